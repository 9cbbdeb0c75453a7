#include "driver/record.h"

#include "driver/gpu.h"
#include "driver/run.h"

namespace tenon::driver {

static void save(Session& session, const runtime::Recording& recording) {
  try {
    save_recording(recording, session.options.record);
  } catch (const runtime::Fault& fault) {
    show_failure(session, {fault, {}});
    throw Exit{kProgramWrong};
  }
}

void recorded(Session& session, runtime::Device& device, const std::function<void(runtime::Device&)>& run,
              const std::function<void(runtime::Recording&)>& add) {
  if (session.options.record.empty()) return run(device);
  using Tensors = runtime::RecordingDevice::Tensors;
  const bool all = !session.options.no_tensors && !session.options.dry_run;
  runtime::RecordingDevice recorder(device, gpu_arch(session), all ? Tensors::kept : Tensors::left_out);
  const auto finish = [&] {
    if (add && all) add(recorder.recording());
    save(session, recorder.recording());
  };
  try {
    run(recorder);
  } catch (...) {
    finish();
    throw;
  }
  finish();
}

}  // namespace tenon::driver
