#include "llama/library.h"

#include "core/engine_threads.h"
#include "llama/errors.h"

#ifdef _WIN32
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace fastscore::llama {

namespace {

#ifdef _WIN32
void* find_loaded(const std::string& path) {
  const int n = MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, nullptr, 0);
  std::wstring wide(static_cast<std::size_t>(n), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, wide.data(), n);
  return GetModuleHandleW(wide.c_str());
}

void* find_symbol(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(library), name));
}
#else
void* find_loaded(const std::string& path) {
  return dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
}

void* find_symbol(void* library, const char* name) { return dlsym(library, name); }
#endif

}  // namespace

Library::Library(const std::string& path) : path_(path) {
  void* library = find_loaded(path);
  if (library == nullptr) {
    throw EngineMismatchError("the library " + path +
                              " is not loaded in this process; import llama_cpp first");
  }
  std::string missing;
  const auto resolve = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
        find_symbol(library, name));
    if (function == nullptr) {
      missing += missing.empty() ? name : std::string(", ") + name;
    }
  };
  auto& f = functions_;
  resolve(f.version, "llama_version");
  resolve(f.n_batch, "llama_n_batch");
  resolve(f.n_ubatch, "llama_n_ubatch");
  resolve(f.n_ctx, "llama_n_ctx");
  resolve(f.n_seq_max, "llama_n_seq_max");
  resolve(f.get_model, "llama_get_model");
  resolve(f.model_get_vocab, "llama_model_get_vocab");
  resolve(f.vocab_type, "llama_vocab_type");
  resolve(f.vocab_n_tokens, "llama_vocab_n_tokens");
  resolve(f.tokenize, "llama_tokenize");
  resolve(f.token_to_piece, "llama_token_to_piece");
  resolve(f.detokenize, "llama_detokenize");
  resolve(f.vocab_get_attr, "llama_vocab_get_attr");
  resolve(f.vocab_is_eog, "llama_vocab_is_eog");
  resolve(f.get_memory, "llama_get_memory");
  resolve(f.memory_clear, "llama_memory_clear");
  resolve(f.memory_seq_rm, "llama_memory_seq_rm");
  resolve(f.memory_seq_cp, "llama_memory_seq_cp");
  resolve(f.memory_seq_keep, "llama_memory_seq_keep");
  resolve(f.decode, "llama_decode");
  resolve(f.get_logits, "llama_get_logits");
  resolve(f.sampler_chain_init, "llama_sampler_chain_init");
  resolve(f.sampler_chain_add, "llama_sampler_chain_add");
  resolve(f.sampler_init_dist, "llama_sampler_init_dist");
  resolve(f.sampler_init_top_k, "llama_sampler_init_top_k");
  resolve(f.sampler_init_top_p, "llama_sampler_init_top_p");
  resolve(f.sampler_init_min_p, "llama_sampler_init_min_p");
  resolve(f.sampler_init_temp, "llama_sampler_init_temp");
  resolve(f.sampler_init_penalties, "llama_sampler_init_penalties");
  resolve(f.sampler_init_grammar, "llama_sampler_init_grammar");
  resolve(f.sampler_apply, "llama_sampler_apply");
  resolve(f.sampler_accept, "llama_sampler_accept");
  resolve(f.sampler_clone, "llama_sampler_clone");
  resolve(f.sampler_free, "llama_sampler_free");
  resolve(f.log_set, "llama_log_set");
  if (!missing.empty()) {
    throw EngineMismatchError("the llama.cpp library " + path + " lacks " + missing);
  }
}

std::int32_t Library::decode(Context* context, const Batch& batch) const {
  std::int32_t code = 0;
  run_on_engine_thread([&] { code = functions_.decode(context, batch); });
  return code;
}

void Library::capture_log() { functions_.log_set(&Library::on_log, this); }

std::vector<std::string> Library::take_log() {
  const std::lock_guard lock(log_mutex_);
  std::vector<std::string> lines(log_.begin(), log_.end());
  log_.clear();
  return lines;
}

void Library::on_log(int level, const char* text, void* self) {
  constexpr std::size_t kLines = 64;
  auto& library = *static_cast<Library*>(self);
  const std::lock_guard lock(library.log_mutex_);
  if (level == kLogContinue) {
    if (library.keep_continuation_ && !library.log_.empty()) {
      library.log_.back() += text;
    }
    return;
  }
  library.keep_continuation_ = level == kLogWarn || level == kLogError;
  if (library.keep_continuation_) {
    library.log_.emplace_back(text);
    if (library.log_.size() > kLines) {
      library.log_.pop_front();
    }
  }
}

}  // namespace fastscore::llama
