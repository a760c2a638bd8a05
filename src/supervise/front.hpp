// Front: where the hosts of `cleave up` listen, and as whom NGINX asks them.
#pragma once

#include <filesystem>
#include <string>

#include "supervise/run_dir.hpp"

namespace cleave::supervise {

struct Front {
  std::filesystem::path directory;  // for the hosts' sockets
  std::string run_as;               // "www-data www-data", as NGINX takes it; empty: as ourselves
};

/// Makes the folder, in `run_dir`. Root's NGINX must not work as root: its workers run as www-data
/// or nobody, and `run_dir` may be passed by that user's group, which also owns the folder and what
/// is bound there (http/listener.hpp). Where there is neither, or the folder cannot be given away
/// (root of a container without that right), they stay root. Throws std::runtime_error.
Front make_front(RunDir& run_dir);

}  // namespace cleave::supervise
