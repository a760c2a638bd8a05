// Opens modules in a child first. What a library does before anybody has called it (constructors
// of its globals) cannot be contained in a process, only survived by another one.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "loader/library.hpp"

namespace cleave::loader {
namespace {

namespace fs = std::filesystem;
constexpr int kPatienceMs = 5000;
constexpr rlim_t kCpuSeconds = 5;

/// The child: one byte to the parent after each file that could be opened or was refused in words.
[[noreturn]] void open_all(const std::vector<fs::path>& files, std::size_t first, int pipe) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  const rlimit cpu{kCpuSeconds, kCpuSeconds};
  setrlimit(RLIMIT_CPU, &cpu);
  for (std::size_t i = first; i < files.size(); ++i) {
    open_library(files[i]);  // refusals are told by the parent, which opens it again
    if (write(pipe, "", 1) != 1) break;
  }
  _exit(0);
}

/// Waits for the next byte; false: the child has ended, or takes too long.
bool next(int pipe, bool& late) {
  pollfd waiting{pipe, POLLIN, 0};
  const int ready = poll(&waiting, 1, kPatienceMs);
  late = ready == 0;
  char byte;
  return ready == 1 && read(pipe, &byte, 1) == 1;
}

std::string how_it_ended(int status, bool late) {
  if (late) return "nothing within 5 s: they hang";
  if (WIFSIGNALED(status)) {
    const char* name = sigabbrev_np(WTERMSIG(status));
    return std::string("SIG") + (name != nullptr ? name : "?") + " in them";
  }
  return "exit(" + std::to_string(WEXITSTATUS(status)) + ") in them";
}

/// Opens from `first` on. Returns how many were opened before the child ended; `files.size() -
/// first` when all is well. Otherwise `why` says how it ended.
std::size_t try_from(const std::vector<fs::path>& files, std::size_t first, std::string& why) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return files.size() - first;  // then there is no preflight
  const pid_t child = fork();
  if (child == 0) {
    close(pipe_ends[0]);
    open_all(files, first, pipe_ends[1]);
  }
  close(pipe_ends[1]);
  std::size_t opened = 0;
  bool late = false;
  if (child > 0) {
    while (first + opened < files.size() && next(pipe_ends[0], late)) ++opened;
    if (first + opened < files.size()) kill(child, SIGKILL);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    why = how_it_ended(status, late);
  } else {
    opened = files.size() - first;
  }
  close(pipe_ends[0]);
  return opened;
}

}  // namespace

std::vector<Refusal> preflight(const std::vector<fs::path>& files) {
  std::vector<Refusal> refusals;
  for (std::size_t at = 0; at < files.size(); ++at) {
    std::string why;
    at += try_from(files, at, why);
    if (at >= files.size()) break;
    refusals.push_back({files[at].filename(), "constructors", "a library that can be opened", why,
                        "do nothing before create(): no global objects with constructors"});
  }
  return refusals;
}

}  // namespace cleave::loader
