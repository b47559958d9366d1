// The parts of libtorch's autocast that its C binding leaves out: the dtype, and CPU.

#include <ATen/autocast_mode.h>

#include <cstdint>

#include "guarded.h"

namespace {

at::DeviceType device_type(int32_t device) {
  return device == 0 ? at::DeviceType::CPU : at::DeviceType::CUDA;
}

} // namespace

// What there was before, to be put back.
struct PeAutocastState {
  int32_t device; // 0: CPU, 1: CUDA
  int32_t enabled;
  int32_t dtype; // c10::ScalarType
};

extern "C" int32_t pe_autocast_enter(
    int32_t device, PeAutocastState* before, char* error, size_t capacity) {
  return guarded(error, capacity, [&] {
    auto type = device_type(device);
    before->device = device;
    before->enabled = at::autocast::is_autocast_enabled(type);
    before->dtype = static_cast<int32_t>(at::autocast::get_autocast_dtype(type));
    at::autocast::set_autocast_dtype(type, at::kBFloat16);
    at::autocast::set_autocast_enabled(type, true);
    at::autocast::increment_nesting();
  });
}

extern "C" int32_t pe_autocast_leave(
    const PeAutocastState* before, char* error, size_t capacity) {
  return guarded(error, capacity, [&] {
    auto type = device_type(before->device);
    // Casts of the weights are kept while any scope is open, and must not outlive an optimizer step.
    if (at::autocast::decrement_nesting() == 0) {
      at::autocast::clear_cache();
    }
    at::autocast::set_autocast_enabled(type, before->enabled != 0);
    at::autocast::set_autocast_dtype(type, static_cast<at::ScalarType>(before->dtype));
  });
}

extern "C" int32_t pe_autocast_state(
    int32_t device, PeAutocastState* now, char* error, size_t capacity) {
  return guarded(error, capacity, [&] {
    auto type = device_type(device);
    now->device = device;
    now->enabled = at::autocast::is_autocast_enabled(type);
    now->dtype = static_cast<int32_t>(at::autocast::get_autocast_dtype(type));
  });
}
