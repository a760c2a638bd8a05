// Runs bin/cleave to its end, and what the cases about it share.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "support/host_process.hpp"

namespace cleave::test {

// A refusal comes within 2 s. A sanitizer slows the start of the program several times.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::chrono::milliseconds kPromptly{10000};
#else
constexpr std::chrono::milliseconds kPromptly{2000};
#endif

struct Ended {
  std::optional<int> code;  // nothing: it still ran when the time was up, and was killed
  std::string out, err;
};

inline Ended run_program(const HostProcess::Arguments& arguments,
                         const HostProcess::Environment& environment = {},
                         std::chrono::milliseconds time = kPromptly) {
  HostProcess process(arguments, environment);
  const std::optional<int> code = process.wait(time);
  return {code, process.out(), process.err()};
}

/// Connection strings at which nobody listens (port 1 is reserved), and no cache: a host that needs
/// no embedded server.
inline HostProcess::Environment nobody_listens() {
  HostProcess::Environment all{{"CLEAVE_REDIS_URL", "off"}};
  for (const char* module : {"USER", "PRODUCT", "ORDER"}) {
    all["CLEAVE_" + std::string(module) + "_DATABASE_URL"] =
        "postgresql://somebody@127.0.0.1:1/nothing";
  }
  return all;
}

/// A data directory that the cases of this program use one after the other, so that the databases
/// are made only once.
inline const std::string& shared_data() {
  static const OpenTempDir directory;
  static const std::string path = directory / "data";
  return path;
}

}  // namespace cleave::test
