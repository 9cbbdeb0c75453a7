#include "bench/gpu/worker/plan.h"

#include <algorithm>
#include <string>

namespace tenon::bench {
namespace {

using runtime::DType;
using runtime::LaunchArgument;
using Use = LaunchArgument::Use;

constexpr int64_t kCompared = 8;  ///< numbers, by which inputs are told from each other

[[noreturn]] void refuse(const std::string& why) { throw runtime::DeviceError{"the plan cannot be timed: " + why}; }

}  // namespace

Plan::Plan(Recording recording, const work& work) : recording_(std::move(recording)) {
  gpu().load(recording_.ptx);
  for (const Recording::Call& call : recording_.calls) std::visit([&](const auto& one) { add(one, work); }, call);
  if (!result_) refuse("no kernel is launched");
  while (std::holds_alternative<CopyOut>(steps_.back())) steps_.pop_back();  // the result is fetched, untimed
}

// ---- memory

/// Whether what is copied in begins like an input of the work, in any type. Then that input lies there.
bool Plan::is_input(const Recording::CopyIn& call, const work& work) {
  if (call.to.offset != 0) return false;
  const std::string_view head = std::string_view(recording_.data).substr(static_cast<size_t>(*call.data));
  for (int i = 0; i < work.inputs; ++i)
    for (const DType type : {DType::f32, DType::f16, DType::bf16}) {
      const int64_t bytes = bytes_of(type, work.in_size[i]);
      if (call.bytes > bytes || call.bytes < bytes_of(type, std::min<int64_t>(work.in_size[i], kCompared)) ||
          !head.starts_with(packed(type, work.in[i], std::min<int64_t>(work.in_size[i], kCompared))))
        continue;
      if (!inputs_.contains(i)) {
        inputs_[i] = {memory_.add(bytes), bytes};
        put(inputs_[i].address, type, work.in[i], work.in_size[i]);
      }
      buffers_.at(call.to.buffer).input = i;
      return true;
    }
  return false;
}

Plan::Address Plan::to_read(Recording::Place place) {
  const Buffer& buffer = buffers_.at(place.buffer);
  if (buffer.input < 0 && buffer.own == 0) refuse("nobody has written what is read");
  return (buffer.input < 0 ? buffer.own : inputs_[buffer.input].address) + static_cast<uint64_t>(place.offset);
}

Plan::Address Plan::to_read_all(const Recording::Argument& argument) {
  const Buffer& buffer = buffers_.at(argument.buffer);
  if (buffer.input >= 0 && inputs_[buffer.input].bytes != argument.value.tensor->bytes)
    refuse("`" + argument.name + "` has another size than the input that begins like it");
  return to_read({argument.buffer, 0});
}

/// What was an input's is the buffer's own from now on.
Plan::Address Plan::to_write(Recording::Place place) {
  Buffer& buffer = buffers_.at(place.buffer);
  if (buffer.input >= 0 && place.offset != 0) refuse("it changes a part of an input");
  buffer.input = -1;
  if (buffer.own == 0) buffer.own = memory_.add(buffer.bytes);
  return buffer.own + static_cast<uint64_t>(place.offset);
}

// ---- what the program asks for

void Plan::add(const Recording::Allocate& call, const work&) { buffers_[call.buffer] = {call.bytes}; }

void Plan::add(const Recording::CopyIn& call, const work& work) {
  if (!call.data) {  // what follows the head of an input
    if (buffers_.at(call.to.buffer).input < 0) refuse("it lacks a tensor that the program computes without the GPU");
  } else if (!is_input(call, work)) {
    const auto bytes = std::string_view(recording_.data).substr(static_cast<size_t>(*call.data));
    steps_.push_back(CopyIn{to_write(call.to), bytes.substr(0, static_cast<size_t>(call.bytes))});
  }
}

void Plan::add(const Recording::CopyOut& call, const work&) {
  steps_.push_back(CopyOut{to_read(call.from), call.bytes});
}

void Plan::add(const Recording::Copy& call, const work&) {
  if (buffers_.at(call.to.buffer).input >= 0) refuse("it changes a part of an input");
  const Address from = to_read(call.from);
  steps_.push_back(Copy{to_write(call.to), from, call.bytes});
}

/// Reads come first: what a kernel writes may be memory that it does not read any more.
void Plan::add(const Recording::Launch& call, const work&) {
  std::vector<LaunchArgument> arguments;
  for (const Recording::Argument& argument : call.arguments) {
    arguments.push_back(argument.value);
    if (argument.value.tensor && argument.value.tensor->use != Use::writes) arguments.back().bits = to_read_all(argument);
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].tensor) continue;
    if (arguments[i].tensor->use == Use::fails) failures_.push_back(arguments[i].bits);
    if (arguments[i].tensor->use != Use::writes) continue;
    arguments[i].bits = to_write({call.arguments[i].buffer, 0});
    result_ = arguments[i];
  }
  steps_.push_back(Launch{&call, std::move(arguments)});
}

// ---- over and over

void Plan::run() {
  static std::string back;
  struct Does {
    void operator()(const Launch& step) const {
      gpu().launch(step.call->kernel, step.call->size, step.arguments);
    }
    void operator()(const CopyIn& step) const {
      gpu().copy_in(step.to, step.bytes.data(), static_cast<int64_t>(step.bytes.size()));
    }
    void operator()(const CopyOut& step) const {
      back.resize(std::max(back.size(), static_cast<size_t>(step.bytes)));
      gpu().copy_out(back.data(), step.from, step.bytes);
    }
    void operator()(const Copy& step) const { gpu().copy(step.to, step.from, step.bytes); }
  };
  for (const auto& step : steps_) std::visit(Does{}, step);
}

void Plan::fetch(work& work) {
  for (const Address failure : failures_) {
    int32_t word = 0;
    gpu().copy_out(&word, failure, sizeof word);
    if (word != 0) refuse("a kernel fails");
  }
  const LaunchArgument::Tensor& tensor = *result_->tensor;
  if (tensor.bytes != bytes_of(tensor.type, work.out_size)) refuse("the result has another size");
  get(work.out, tensor.type, result_->bits, work.out_size);
}

}  // namespace tenon::bench
