// libtorch's fused Adam, which its C binding leaves out: one pass over a parameter, its gradient and
// its moments, on the CPU and on CUDA.
//
// Returns 0, or writes why it could not into `error` and returns 1: no exception crosses into Rust.

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>

#include <cstdint>
#include <cstring>
#include <exception>
#include <vector>

struct PeAdamStep {
  double lr;
  double beta1;
  double beta2;
  double epsilon;
  double weight_decay;
  double step; // from 1, this one counted
  int32_t decoupled; // AdamW's weight decay
};

namespace {

// The kernel walks over memory, so a gradient must lie as its parameter does.
at::Tensor laid_out_as(const at::Tensor& gradient, const at::Tensor& param) {
  if (gradient.strides() == param.strides()) {
    return gradient;
  }
  auto moved = at::empty_like(param, param.options().requires_grad(false));
  moved.copy_(gradient);
  return moved;
}

} // namespace

extern "C" int32_t pe_adam_step(
    at::Tensor* const* params,
    at::Tensor* const* gradients,
    at::Tensor* const* first,
    at::Tensor* const* second,
    size_t n,
    const PeAdamStep* step,
    char* error,
    size_t capacity) {
  try {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> p, g, m, v, steps;
    if (n == 0) {
      return 0;
    }
    auto options = at::TensorOptions().dtype(at::kFloat).device(params[0]->device());
    auto count = at::full({}, step->step, options);
    for (size_t i = 0; i < n; i++) {
      p.push_back(*params[i]);
      g.push_back(laid_out_as(*gradients[i], *params[i]));
      m.push_back(*first[i]);
      v.push_back(*second[i]);
      steps.push_back(count);
    }
    const auto& s = *step;
    if (s.decoupled) {
      at::_fused_adamw_(p, g, m, v, {}, steps, s.lr, s.beta1, s.beta2, s.weight_decay, s.epsilon,
                        /*amsgrad=*/false, /*maximize=*/false);
    } else {
      at::_fused_adam_(p, g, m, v, {}, steps, s.lr, s.beta1, s.beta2, s.weight_decay, s.epsilon,
                       /*amsgrad=*/false, /*maximize=*/false);
    }
    return 0;
  } catch (const std::exception& e) {
    std::strncpy(error, e.what(), capacity - 1);
    error[capacity - 1] = '\0';
    return 1;
  }
}
