// The system calls that a program may make.
#pragma once

namespace fastscore::sandbox {

// Installs the filter for this thread and all that it starts; throws std::system_error. Needs
// no_new_privs.
void filter_system_calls();

}  // namespace fastscore::sandbox
