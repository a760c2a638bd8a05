// cleave health: for a container's health check, where nothing but this program exists.
#include <cstdio>

#include "cli/commands.hpp"
#include "http/probe.hpp"

namespace cleave::cli {

int health(Options& options) {
  const http::ProbeAnswer answer = http::probe_readiness(options.settings.listen);
  if (answer.status == 0) {
    std::fprintf(stderr, "nobody answers at %s\n", options.settings.listen.c_str());
  } else {
    std::printf("%s\n", answer.body.c_str());
  }
  return answer.status == 200 ? kOk : kFailed;
}

}  // namespace cleave::cli
