// A producer put where its elements are read.
#pragma once
#include "ir/ir.h"

namespace tenon::opt {

/// `consumer` with the body of `producer`, which has one, for every read of `value`, which it computes. The places of
/// the consumer's nodes move along; those of the producer's are left to the caller.
ir::Compute inlined(ir::Exprs& exprs, ir::ValueId value, const ir::Compute& producer,
                    const ir::Compute& consumer);

/// Gives `fused` the places of the producer's nodes `fallible`; those without one have that of the producer.
void add_sites(ir::Compute& fused, const std::vector<ir::ExprId>& fallible, const ir::Compute& producer,
               ir::Span place);

/// The larger tree of its bodies, in nodes.
uint32_t tree_size(const ir::Exprs& exprs, const ir::Compute& compute);

}  // namespace tenon::opt
