// tenon run --record PREFIX: what a program asks of its GPU, for another one to do again.
#pragma once
#include <functional>

#include "driver/session.h"
#include "runtime/recording_device.h"

namespace tenon::driver {

/// Calls `run` with the device, or with one in front of it that writes down what it is asked for; then `add` may
/// add to the recording, which is saved also where `run` throws.
void recorded(Session& session, runtime::Device& device, const std::function<void(runtime::Device&)>& run,
              const std::function<void(runtime::Recording&)>& add = {});

}  // namespace tenon::driver
