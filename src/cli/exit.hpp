// Exit codes, and the one way a command fails: a sentence with cause and remedy, and a code.
#pragma once

#include <stdexcept>
#include <string>

namespace cleave::cli {

// sysexits.h: what init systems and scripts know.
enum Exit : int {
  kOk = 0,
  kFailed = 1,        // the work itself failed: a request answered 5xx, a check found something
  kUsage = 64,        // EX_USAGE: unknown flag, missing argument
  kUnavailable = 69,  // EX_UNAVAILABLE: a server that is needed cannot be reached or started
  kInternal = 70,     // EX_SOFTWARE
  kConfig = 78,       // EX_CONFIG: a value is wrong, a module is refused, a port is taken
};

class Failure : public std::runtime_error {
 public:
  Failure(Exit code, const std::string& text) : std::runtime_error(text), code_(code) {}
  Exit code() const noexcept { return code_; }

 private:
  Exit code_;
};

}  // namespace cleave::cli
