// cleave move, cleave reload: what they share.
#pragma once

#include <string>

#include "cli/options.hpp"

namespace cleave::cli {

struct ChangeArguments {
  std::string module, to;  // `to` is empty: reload
  std::string admin;       // empty: CLEAVE_ADMIN_LISTEN
};

/// Asks the host at the admin listener for the change and waits for it. Throws Failure with the
/// host's reason: kFailed when it refuses, kUnavailable when nobody answers.
int change_placement(Options& options, const ChangeArguments& arguments);

}  // namespace cleave::cli
