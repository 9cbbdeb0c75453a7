// tenon sim FILE.ptx --launch KERNEL:GRID:BLOCK:ARGUMENTS: one kernel on the simulated GPU, and
// what a profiler would say of it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstring>
#include <map>
#include <optional>

#include "driver/commands.h"
#include "driver/output.h"
#include "driver/sim_steps.h"
#include "runtime/fault.h"
#include "runtime/nearest.h"
#include "runtime/npy.h"
#include "runtime/sim/simulator.h"

namespace tenon::driver {
namespace {

namespace sim = runtime::sim;

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// `4`, `4x2` or `4x2x1`.
sim::Dim3 sizes(std::string_view text, std::string_view what) {
  sim::Dim3 result;
  uint32_t* const fields[] = {&result.x, &result.y, &result.z};
  const std::vector<std::string_view> parts = split(text, 'x');
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::optional<uint32_t> value = number<uint32_t>(parts[i]);
    if (!value || i >= 3)
      throw UsageError{
          fmt::format("--launch: `{}` is no {}; it is written 4, 4x2 or 4x2x1", text, what)};
    *fields[i] = *value;
  }
  return result;
}

/// A buffer on the device, and what it is on the host.
struct Buffer {
  sim::Address at = 0;
  runtime::DType type{};
  runtime::Shape shape;

  size_t bytes() const { return static_cast<size_t>(runtime::byte_count(type, shape).value_or(0)); }
};

/// `f32[64x10]` as a type and a shape.
std::optional<std::pair<runtime::DType, runtime::Shape>> buffer_type(std::string_view word) {
  const size_t open = word.find('[');
  if (open == word.npos || !word.ends_with(']')) return std::nullopt;
  for (size_t i = 0; i < std::size(runtime::kDTypes); ++i) {
    const auto type = static_cast<runtime::DType>(i);
    if (runtime::row(type).text != word.substr(0, open)) continue;
    runtime::Shape shape;
    for (const std::string_view extent :
         split(word.substr(open + 1, word.size() - open - 2), 'x')) {
      const std::optional<int64_t> value = number<int64_t>(extent);
      if (!value || *value < 0) return std::nullopt;
      shape.push_back(*value);
    }
    return std::pair(type, shape);
  }
  return std::nullopt;
}

/// What the list of arguments says, put on the device.
class KernelArguments {
 public:
  KernelArguments(sim::Device& device, const sim::KernelInfo& kernel, std::string_view text)
      : device_(device) {
    const std::vector<std::string_view> words =
        text.empty() ? std::vector<std::string_view>() : split(text, ',');
    if (words.size() != kernel.params.size()) {
      throw UsageError{fmt::format("--launch: `{}` has {} parameters, and the launch gives {}",
                                   kernel.name, kernel.params.size(), words.size())};
    }
    block_.resize(kernel.param_bytes);
    for (size_t i = 0; i < words.size(); ++i) add(words[i], kernel.params[i], i + 1);
  }

  const std::vector<std::byte>& block() const { return block_; }

  bool is_buffer(size_t index) const { return buffers_.contains(index); }

  /// Writes the buffer of argument `index`, from 1, to a file.
  void save(size_t index, const std::string& path) const {
    const Buffer& buffer = buffers_.at(index);
    std::vector<std::byte> bytes(buffer.bytes());
    device_.read(buffer.at, bytes);
    runtime::save_npy(path, buffer.type, buffer.shape, bytes.data());
  }

 private:
  void add(std::string_view word, const sim::Param& param, size_t index) {
    if (word.ends_with(".npy")) return put(file(std::string(word)), param, index);
    const size_t equals = word.find('=');
    if (const auto type = buffer_type(word.substr(0, equals))) {
      Buffer buffer{0, type->first, type->second};
      const auto bytes = runtime::byte_count(buffer.type, buffer.shape);
      if (!bytes) throw UsageError{fmt::format("--launch: `{}` is larger than any memory", word)};
      buffer.at =
          device_.allocate(static_cast<uint64_t>(*bytes), fmt::format("argument {}", index));
      if (equals != word.npos) fill(buffer, word.substr(equals + 1));
      return put(buffer, param, index);
    }
    const bool is_whole = word.find_first_of(".ein") == word.npos;
    const auto whole = number<int64_t>(word);
    const auto real = number<double>(word);
    if (is_whole && whole &&
        (param.size == 8 || (param.size == 4 && *whole >= INT32_MIN && *whole <= UINT32_MAX))) {
      return put_bytes(&*whole, param);
    }
    if (!is_whole && real && param.size == 8) return put_bytes(&*real, param);
    if (!is_whole && real && param.size == 4) {
      const auto narrow = static_cast<float>(*real);
      return put_bytes(&narrow, param);
    }
    throw UsageError{
        fmt::format("--launch: argument {}, `{}`, is no number of {} bytes, no file `x.npy` and no "
                    "buffer `f32[64x10]` or `f32[64]=0`",
                    index, word, param.size)};
  }

  /// With one number, or with 0, 1, 2, … for `i`.
  void fill(const Buffer& buffer, std::string_view with) {
    const auto value = number<double>(with);
    if (!value && with != "i")
      throw UsageError{fmt::format(
          "--launch: a buffer is filled with a number or with `i`, not with `{}`", with)};
    runtime::Tensor tensor(buffer.type, buffer.shape);
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const auto element =
          runtime::Scalar::floating(runtime::DType::f64, value ? *value : static_cast<double>(i));
      tensor.set(i, runtime::convert(buffer.type, element));
    }
    device_.write(buffer.at, std::span(tensor.data(), buffer.bytes()));
  }

  Buffer file(const std::string& path) {
    const runtime::NpyHeader header = runtime::read_npy_header(path);
    const std::optional<runtime::NpyType> type = runtime::npy_type(header.descr);
    if (!type)
      throw UsageError{
          fmt::format("--launch: `{}` holds {}, which Tenon lacks", path, header.type_text())};
    Buffer buffer{0, type->type, header.shape};
    std::vector<std::byte> bytes;
    runtime::load_npy(path, buffer.type, buffer.shape, [&](int64_t count) {
      bytes.resize(static_cast<size_t>(count));
      return bytes.data();
    });
    buffer.at = device_.allocate(bytes.size(), path);
    device_.write(buffer.at, bytes);
    return buffer;
  }

  void put(const Buffer& buffer, const sim::Param& param, size_t index) {
    if (param.size != 8)
      throw UsageError{fmt::format(
          "--launch: argument {} is a buffer, but the parameter has {} bytes", index, param.size)};
    put_bytes(&buffer.at, param);
    buffers_[index] = buffer;
  }
  void put_bytes(const void* from, const sim::Param& param) {
    std::memcpy(block_.data() + param.offset, from, param.size);
  }

  sim::Device& device_;
  std::vector<std::byte> block_;
  std::map<size_t, Buffer> buffers_;
};

const sim::GpuModel& model_named(const std::string& name) {
  std::vector<std::string> names;
  for (const sim::GpuModel& model : sim::gpu_models()) {
    if (model.name == name) return model;
    names.emplace_back(model.name);
  }
  throw UsageError{fmt::format("--gpu {}: the models are {}", name, fmt::join(names, ", "))};
}

std::string list_of_kernels(const sim::Module& module) {
  std::string text;
  for (const sim::KernelInfo& kernel : module.kernels()) {
    text += fmt::format(
        "kernel {}  {} bytes of shared memory{}, {} of local memory, about {} registers\n", kernel.name,
        kernel.shared_bytes, kernel.takes_shared ? " and what --shared says" : "", kernel.local_bytes, kernel.registers);
    for (const sim::Param& param : kernel.params)
      text += fmt::format("  {:<24} {} bytes\n", param.name, param.size);
  }
  return text;
}

/// `3=y.npy` as an argument's number, from 1, and a file.
std::pair<size_t, std::string> output_of(const std::string& text) {
  const size_t equals = text.find('=');
  const std::optional<size_t> index = number<size_t>(std::string_view(text).substr(0, equals));
  if (equals == text.npos || !index || !text.ends_with(".npy")) {
    throw UsageError{
        fmt::format("--out {}: it is written --out 3=y.npy, for the third argument", text)};
  }
  return {*index, text.substr(equals + 1)};
}

const sim::KernelInfo& kernel_named(const sim::Module& module, std::string_view name) {
  if (const sim::KernelInfo* kernel = module.kernel(name)) return *kernel;
  std::vector<std::string> names;
  for (const sim::KernelInfo& kernel : module.kernels()) names.push_back(kernel.name);
  const std::string near = runtime::nearest(std::string(name), names);
  throw UsageError{fmt::format("--launch: there is no kernel `{}`{}", name,
                               near.empty() ? "" : fmt::format("; did you mean `{}`?", near))};
}

/// An argument of the launch, from 1, and the file that its buffer goes to.
using Outputs = std::vector<std::pair<size_t, std::string>>;

sim::Report launch(const Options& o, const Outputs& outputs, const sim::Module& module, sim::Device& device,
                   std::optional<KernelArguments>& arguments, Steps& steps) {
  const std::vector<std::string_view> parts = split(o.launch, ':');
  if (parts.size() < 3 || parts.size() > 4) {
    throw UsageError{
        fmt::format("--launch {}: it is written KERNEL:GRID:BLOCK:ARGUMENTS, as in "
                    "saxpy:8:256:2.0,x.npy,f32[2048]",
                    o.launch)};
  }
  const sim::KernelInfo& kernel = kernel_named(module, parts[0]);
  const sim::Dim3 grid = sizes(parts[1], "grid"), block = sizes(parts[2], "block");
  arguments.emplace(device, kernel, parts.size() == 4 ? parts[3] : std::string_view());
  for (const auto& [index, path] : outputs)
    if (!arguments->is_buffer(index))
      throw UsageError{fmt::format("--out {}={}: argument {} is no buffer", index, path, index)};
  sim::LaunchOptions options;
  options.late_copies = !o.early_copies;
  if (!o.steps.empty()) options.watch = [&](const sim::Step& step) { steps.add(step); };
  return device.launch(module, kernel.name, grid, block, o.shared_bytes, arguments->block(),
                       options);
}

void simulate(Session& session) {
  const Options& o = session.options;
  const sim::GpuModel& model = model_named(o.gpu);
  if (o.launch.empty() && (!o.outputs.empty() || !o.steps.empty()))
    throw UsageError{"--out and --steps go with --launch; without it the kernels are listed"};
  Outputs outputs;
  for (const std::string& output : o.outputs) outputs.push_back(output_of(output));
  const uint32_t file = session.open(o.file);
  const sim::Module module = session.timed("reading PTX", [&] {
    return sim::parse(session.sources.file(file).text(), session.sources.file(file).name());
  });
  if (o.launch.empty()) return write_output("", list_of_kernels(module));
  sim::Device device(model);
  std::optional<KernelArguments> arguments;
  Steps steps(session.sources.file(file).text());
  const sim::Report report =
      session.timed("simulating", [&] { return launch(o, outputs, module, device, arguments, steps); });
  std::string faults;
  for (const sim::SimFault& fault : report.faults) faults += fault.text();
  if (o.steps == "svg") write_output("", steps.svg());
  else write_output("", o.steps.empty() ? report.text() : steps.text() + faults);
  if (!report.ok()) throw Exit{kProgramWrong};
  for (const auto& [index, path] : outputs) arguments->save(index, path);
}

}  // namespace

void command_sim(Session& session) {
  const auto wrong = [](std::string_view what, std::string_view place = "") {
    fmt::print(stderr, "{}error: {}\n", place, what);
    throw Exit{kProgramWrong};
  };
  try {
    simulate(session);
  } catch (const sim::PtxError& error) {
    wrong(error.reason, fmt::format("{}:{}:{}: ", error.file, error.line, error.column));
  } catch (const sim::LaunchError& error) {
    wrong(error.what());
  } catch (const runtime::Fault& fault) {
    wrong(fault.message());
  }
}

}  // namespace tenon::driver
