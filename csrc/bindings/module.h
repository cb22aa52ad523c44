// What the files of this folder share.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace fastscore::bindings {

namespace py = pybind11;

// Arrays are taken as they are or converted without loss: C order, no forced cast.
template <typename T>
using Array = py::array_t<T, py::array::c_style>;

template <typename T>
std::span<const T> view(const Array<T>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

// Hands a vector over to numpy without a copy.
template <typename T>
py::array_t<T> to_numpy(std::vector<T>&& values) {
  auto* owned = new std::vector<T>(std::move(values));
  const py::capsule owner(owned, [](void* p) { delete static_cast<std::vector<T>*>(p); });
  return py::array_t<T>(static_cast<py::ssize_t>(owned->size()), owned->data(), owner);
}

void register_errors(py::module_& m);
void register_generator(py::module_& m);
void register_gguf(py::module_& m);
void register_kernels(py::module_& m);
void register_library(py::module_& m);
void register_plan(py::module_& m);
void register_schedule(py::module_& m);
void register_scorer(py::module_& m);
void register_stats(py::module_& m);
void register_tokenizer(py::module_& m);
void register_trie(py::module_& m);

}  // namespace fastscore::bindings
