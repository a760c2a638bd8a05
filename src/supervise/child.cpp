#include "supervise/child.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace cleave::supervise {
namespace {

/// What the child needs, made before fork(): afterwards only async-signal-safe calls are allowed.
struct Prepared {
  std::vector<char*> argv, environment;
  int log;     // -1: keep ours
  int report;  // carries errno of a failed exec; closed by a successful one
  pid_t parent;
};

[[noreturn]] void become(const ChildOptions& options, const Prepared& prepared) {
  const auto give_up = [&] {
    const int error = errno;
    [[maybe_unused]] const auto written = write(prepared.report, &error, sizeof error);
    _exit(127);
  };
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);  // the host blocks its stop signals
  signal(SIGPIPE, SIG_DFL);
  setpgid(0, 0);  // Ctrl-C on the terminal is for the host, which then stops us in order
  if (geteuid() == 0 && options.uid != 0) {
    if (setgroups(1, &options.gid) != 0 || setgid(options.gid) != 0 || setuid(options.uid) != 0) {
      give_up();
    }
  }
  if (!options.preempts) {
    const sched_param unused = {};
    sched_setscheduler(0, SCHED_BATCH, &unused);  // where this is forbidden, it is slower
  }
  // After setuid, which clears it (prctl(2)); the parent may have died before.
  prctl(PR_SET_PDEATHSIG, options.death_signal);
  if (getppid() != prepared.parent) _exit(127);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  if (prepared.log >= 0) {
    dup2(prepared.log, STDOUT_FILENO);
    dup2(prepared.log, STDERR_FILENO);
  }
  if (chdir("/") != 0) give_up();
  execve(prepared.argv[0], prepared.argv.data(),
         prepared.environment.size() > 1 ? prepared.environment.data() : environ);
  give_up();
  _exit(127);
}

}  // namespace

Child::Child(ChildOptions options) : options_(std::move(options)) {
  Prepared prepared;
  for (std::string& word : options_.argv) prepared.argv.push_back(word.data());
  prepared.argv.push_back(nullptr);
  for (std::string& one : options_.environment) prepared.environment.push_back(one.data());
  prepared.environment.push_back(nullptr);
  prepared.parent = getpid();
  const int shared = options_.output < 0 ? -1 : fcntl(options_.output, F_DUPFD_CLOEXEC, 3);
  prepared.log = options_.log_file.empty() ? shared
                                           : open(options_.log_file.c_str(),
                                                  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (prepared.log < 0 && !options_.log_file.empty()) {
    throw std::runtime_error("cannot write " + options_.log_file.string() + ": " +
                             std::strerror(errno));
  }
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) {
    if (prepared.log >= 0) close(prepared.log);
    throw std::runtime_error(std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  prepared.report = report[1];
  pid_ = fork();
  if (pid_ == 0) become(options_, prepared);
  const int fork_error = errno;
  if (prepared.log >= 0) close(prepared.log);
  close(report[1]);
  int error = 0;
  const bool failed = pid_ > 0 && read(report[0], &error, sizeof error) == sizeof error;
  close(report[0]);
  if (pid_ < 0) throw std::runtime_error(std::string("cannot fork: ") + std::strerror(fork_error));
  if (failed) {
    waitpid(pid_, &status_, 0);
    pid_ = -1;
    throw std::runtime_error("cannot start " + options_.argv[0] + ": " + std::strerror(error));
  }
}

Child::Child(Child&& other) noexcept
    : options_(std::move(other.options_)), pid_(other.pid_), status_(other.status_) {
  other.pid_ = -1;
}

Child::~Child() {
  stop(SIGTERM, std::chrono::seconds(5));
}

bool Child::running() noexcept {
  if (pid_ <= 0) return false;
  if (waitpid(pid_, &status_, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

void Child::signal(int signal) noexcept {
  if (pid_ > 0) kill(pid_, signal);
}

int Child::stop(int signal_number, std::chrono::milliseconds patience) {
  signal(signal_number);
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (running()) {
    if (std::chrono::steady_clock::now() >= give_up) signal(SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return status_;
}

std::string describe_end(int status) {
  if (!WIFSIGNALED(status)) return "exit code " + std::to_string(WEXITSTATUS(status));
  const char* name = sigabbrev_np(WTERMSIG(status));
  return std::string("SIG") + (name != nullptr ? name : std::to_string(WTERMSIG(status)));
}

}  // namespace cleave::supervise
