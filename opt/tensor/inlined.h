// A producer put where its elements are read.
#pragma once
#include "ir/ir.h"

namespace tenon::opt {

/// `consumer` with the body of `producer`, which has one, for every read of `value`, which it computes. The places of
/// the consumer's nodes move along; those of the producer's are left to the caller.
ir::Compute inlined(ir::Exprs& exprs, ir::ValueId value, const ir::Compute& producer,
                    const ir::Compute& consumer);

}  // namespace tenon::opt
