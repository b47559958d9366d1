// A question at a node of autograd's graph, which its C binding leaves out: when the answer is yes,
// the node is given no gradient, and it and all below it have nothing to compute.
//
// An exception would end the backward pass too, but what waits in the engine's queue would stay
// there, with the activations that it holds, for as long as the thread lives.

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "guarded.h"

using PeAsk = int32_t (*)(const void* question);
using PeRelease = void (*)(const void* question);

namespace {

struct Stop : torch::autograd::FunctionPreHook {
  Stop(std::shared_ptr<const void> question, PeAsk ask)
      : question(std::move(question)), ask(ask) {}

  torch::autograd::variable_list operator()(const torch::autograd::variable_list& grads) override {
    if (ask(question.get())) {
      return torch::autograd::variable_list(grads.size());
    }
    return grads;
  }

  std::shared_ptr<const void> question;
  PeAsk ask;
};

} // namespace

// Takes over `question`, also when it fails: `release` is called on it once.
extern "C" int32_t pe_stop_at(
    const at::Tensor* tensor,
    const void* question,
    PeAsk ask,
    PeRelease release,
    char* error,
    size_t capacity) {
  return guarded(error, capacity, [&] {
    std::shared_ptr<const void> held(question, release);
    const auto& node = tensor->grad_fn();
    if (node) {
      node->add_pre_hook(std::make_unique<Stop>(std::move(held), ask));
    }
  });
}
