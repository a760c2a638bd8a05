// The two placements whose differences are asserted: one host, and three behind the gateway.
#pragma once

#include "differential/deployment.hpp"

namespace cleave::test {

/// With a user 1 and a product 1. Started at the first use; for cases that break nothing.
const Deployment& fused();
const Deployment& split();

}  // namespace cleave::test
