// libtorch's fused Adam, which its C binding leaves out: one pass over a parameter, its gradient and
// its moments, on the CPU and on CUDA.

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>

#include <c10/util/Exception.h>

#include <cstdint>
#include <vector>

#include "guarded.h"

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

// The kernel walks over memory, one element after the other, in all four: a tensor that has less
// memory than elements would end in somebody else's.
void check(const char* what, size_t i, const at::Tensor& tensor, const at::Tensor& param) {
  TORCH_CHECK(tensor.is_non_overlapping_and_dense(), what, "[", i, "]: its memory has gaps or overlaps");
  for (int64_t d = 0; d < param.dim(); d++) {
    TORCH_CHECK(
        param.size(d) == 1 || tensor.stride(d) == param.stride(d),
        what, "[", i, "]: does not lie in memory as its parameter does");
  }
}

// A gradient is laid out as its parameter is.
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
  return guarded(error, capacity, [&] {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> p, g, m, v, steps;
    if (n == 0) {
      return;
    }
    auto options = at::TensorOptions().dtype(at::kFloat).device(params[0]->device());
    auto count = at::full({}, step->step, options);
    for (size_t i = 0; i < n; i++) {
      check("params", i, *params[i], *params[i]);
      check("first", i, *first[i], *params[i]);
      check("second", i, *second[i], *params[i]);
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
  });
}
