// How every function of the shim ends: it gives 0, or writes why it could not into `error` and gives 1.
// No exception crosses into Rust, of whatever type.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>

inline void tell(const char* what, char* error, size_t capacity) {
  std::strncpy(error, what, capacity - 1);
  error[capacity - 1] = '\0';
}

template <typename F>
int32_t guarded(char* error, size_t capacity, F f) {
  try {
    f();
    return 0;
  } catch (const std::exception& e) {
    tell(e.what(), error, capacity);
  } catch (...) {
    tell("an exception of unknown type", error, capacity);
  }
  return 1;
}
