// Rows: a statement's result as the seam hands it to a module (cleave_rows, abi_types.h).
#pragma once

#include "cleave/abi_types.h"
#include "postgres/database.hpp"

namespace cleave::postgres {

/// Keeps the result alive until release_rows. `result` must be ok.
const cleave_rows* make_rows(Result result);
void release_rows(const cleave_rows* rows) noexcept;

}  // namespace cleave::postgres
