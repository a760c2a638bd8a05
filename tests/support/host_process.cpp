#include "support/host_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

extern char** environ;

namespace cleave::test {
namespace {

namespace fs = std::filesystem;
using Millis = HostProcess::Millis;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> environment_of(const HostProcess::Environment& wanted) {
  std::vector<std::string> list;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("CLEAVE_")) list.emplace_back(*entry);
  }
  for (const auto& [name, value] : wanted) list.push_back(name + "=" + value);
  return list;
}

std::vector<char*> pointers(std::vector<std::string>& list) {
  std::vector<char*> raw;
  for (std::string& one : list) raw.push_back(one.data());
  raw.push_back(nullptr);
  return raw;
}

bool poll_until(Millis time, const std::function<bool()>& done) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (!done()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(Millis(5));
  }
  return true;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> all;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos) all.push_back(std::stoi(name));
  }
  return all;
}

struct Stat {
  char state = 'X';
  pid_t parent = 0;  // 0: there is no such process
};

/// proc(5), /proc/PID/stat: "PID (NAME) STATE PARENT …", where NAME may have anything in it.
Stat stat_of(pid_t pid) {
  const std::string text = read_file(fs::path("/proc") / std::to_string(pid) / "stat");
  Stat stat;
  const std::size_t name_end = text.rfind(')');
  if (name_end != std::string::npos) {
    std::sscanf(text.c_str() + name_end + 1, " %c %d", &stat.state, &stat.parent);
  }
  return stat;
}

}  // namespace

HostProcess::HostProcess(const Arguments& arguments, const Environment& environment) {
  std::vector<std::string> words{CLEAVE_TEST_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = environment_of(environment);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const int flags = O_WRONLY | O_CREAT | O_APPEND;
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, (directory_ / "out").c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, (directory_ / "err").c_str(), flags, 0600);
  posix_spawn_file_actions_addchdir_np(&actions, directory_.path().c_str());
  const int error = posix_spawn(&pid_, CLEAVE_TEST_PROGRAM, &actions, nullptr,
                                pointers(words).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " CLEAVE_TEST_PROGRAM);
}

HostProcess::~HostProcess() {
  if (code_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool HostProcess::wait_until_serving(Millis time) {
  const bool serving = poll_until(time, [this] {
    if (wait(Millis(0))) return true;
    const std::string log = err();
    const std::size_t at = log.find("\"message\":\"serving\"");
    const std::size_t end = at == std::string::npos ? at : log.find('\n', at);
    if (end == std::string::npos) return false;
    const std::size_t start = log.rfind('\n', at) + 1;  // npos + 1 is the first byte
    const auto line = nlohmann::json::parse(log.substr(start, end - start));
    address_ = line.at("address").get<std::string>();
    admin_ = line.at("admin").get<std::string>();
    return true;
  });
  if (serving && !address_.empty()) return true;
  std::fprintf(stderr, "the host does not serve; its log:\n%s\n", err().c_str());
  return false;
}

void HostProcess::signal(int number) const {
  if (!code_) kill(pid_, number);
}

std::optional<int> HostProcess::wait(Millis time) {
  poll_until(time, [this] {
    int status = 0;
    if (!code_ && waitpid(pid_, &status, WNOHANG) == pid_) {
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return code_.has_value();
  });
  return code_;
}

std::string HostProcess::out() const {
  return read_file(directory_ / "out");
}
std::string HostProcess::err() const {
  return read_file(directory_ / "err");
}

bool HostProcess::wait_for_log(std::string_view text, Millis time) const {
  return poll_until(time, [&] { return err().find(text) != std::string::npos; });
}

HostProcess::Arguments run_arguments(const std::string& data_dir,
                                     const HostProcess::Arguments& more) {
  HostProcess::Arguments all{"run",         "--listen",     "127.0.0.1:0", "--admin-listen",
                             "127.0.0.1:0", "--log-format", "json",        "--data-dir",
                             data_dir};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

OpenTempDir::OpenTempDir() {
  fs::permissions(path(), fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
}

std::vector<pid_t> processes_with(std::string_view text) {
  std::vector<pid_t> found;
  for (const pid_t pid : all_processes()) {
    // Empty for kernel threads and zombies.
    const fs::path file = fs::path("/proc") / std::to_string(pid) / "cmdline";
    if (read_file(file).find(text) != std::string::npos) found.push_back(pid);
  }
  return found;
}

std::vector<pid_t> descendants(pid_t parent) {
  std::multimap<pid_t, pid_t> children;
  for (const pid_t pid : all_processes()) children.emplace(stat_of(pid).parent, pid);
  std::vector<pid_t> found{parent};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [first, last] = children.equal_range(found[i]);
    for (auto child = first; child != last; ++child) found.push_back(child->second);
  }
  found.erase(found.begin());
  return found;
}

bool all_end(const std::vector<pid_t>& processes, Millis time) {
  return poll_until(time, [&] {
    return std::all_of(processes.begin(), processes.end(), [](pid_t pid) {
      const Stat stat = stat_of(pid);
      return stat.parent == 0 || stat.state == 'Z';
    });
  });
}

}  // namespace cleave::test
