// What a module's answer must be before it may go on towards a client: a final status, and header
// fields that cannot start a line of their own.
#pragma once

#include "cleave/message.hpp"

namespace cleave::host {

/// Null when the answer is sound, else what is wrong with it, for the log. Runs on every answer.
const char* what_is_wrong(const Response& response) noexcept;

}  // namespace cleave::host
