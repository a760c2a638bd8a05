// What the cases about servers share: queries, processes, and a host to be killed.
#pragma once

#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/temp_dir.hpp"

namespace cleave::test {

/// A temporary directory that the servers' own user may pass.
class Place : public TempDir {
 public:
  Place() { std::filesystem::permissions(path(), std::filesystem::perms(0755)); }
};

/// The first field of the answer, or "refused: " and the server's words.
inline std::string ask(const std::string& url, const std::string& sql) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(url.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    return "refused: " + std::string(PQerrorMessage(connection.get()));
  }
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection.get(), sql.c_str()),
                                                              &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    return "refused: " + std::string(PQresultErrorMessage(result.get()));
  }
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

/// The SQLSTATE of the refusal of a connection or a statement; empty when both are fine.
inline std::string sqlstate(const std::string& url, const std::string& sql) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectStart(url.c_str()),
                                                              &PQfinish);
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);  // "FATAL:  28000: pg_hba.conf …"
  PostgresPollingStatusType step = PGRES_POLLING_WRITING;
  while (step != PGRES_POLLING_OK && step != PGRES_POLLING_FAILED) {
    const short events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    pollfd ready{.fd = PQsocket(connection.get()), .events = events, .revents = 0};
    poll(&ready, 1, 1000);
    step = PQconnectPoll(connection.get());
  }
  if (step == PGRES_POLLING_FAILED) {
    const std::string said = PQerrorMessage(connection.get());
    const std::size_t at = said.find("FATAL:  ");
    return at == std::string::npos ? said : said.substr(at + 8, 5);
  }
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection.get(), sql.c_str()),
                                                              &PQclear);
  const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  return state != nullptr ? state : "";
}

/// The parent of a process that is not a zombie; 0 when it is gone.
inline pid_t parent_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(in, line);
  const std::size_t end = line.rfind(')');  // the name before may hold anything
  if (end == std::string::npos || line[end + 2] == 'Z') return 0;
  return std::atoi(line.c_str() + end + 4);
}

inline bool lives(pid_t pid) {
  return parent_of(pid) != 0;
}

/// The children of a process, theirs, and so on.
inline std::vector<pid_t> descendants(pid_t parent) {
  std::vector<pid_t> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0 && parent_of(pid) == parent) {
      all.push_back(pid);
      for (const pid_t child : descendants(pid)) all.push_back(child);
    }
  }
  return all;
}

/// True as soon as none of them lives.
inline bool all_end(const std::vector<pid_t>& processes, std::chrono::seconds time) {
  const auto give_up = std::chrono::steady_clock::now() + time;
  while (std::any_of(processes.begin(), processes.end(), lives)) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

/// A process of its own that does `body`, says what it returned or threw, and then keeps what it
/// has until it is killed.
class Forked {
 public:
  explicit Forked(const std::function<std::string()>& body) {
    if (pipe(pipe_) != 0) throw std::runtime_error("no pipe");
    pid_ = fork();
    if (pid_ == 0) run(body);
    close(pipe_[1]);
  }
  Forked(const Forked&) = delete;
  Forked& operator=(const Forked&) = delete;
  ~Forked() {
    kill_now();
    close(pipe_[0]);
  }
  pid_t pid() const noexcept { return pid_; }
  /// What the body returned or threw; empty when it said nothing for a minute.
  std::string said() {
    std::string text;
    pollfd ready{.fd = pipe_[0], .events = POLLIN, .revents = 0};
    char buffer[512];
    while (!text.ends_with('\n') && poll(&ready, 1, 60000) > 0) {
      const ssize_t got = read(pipe_[0], buffer, sizeof buffer);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }
  void kill_now() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  [[noreturn]] void run(const std::function<std::string()>& body) {
    std::string text;
    try {
      text = body();
    } catch (const std::exception& error) {
      text = std::string("threw: ") + error.what();
    }
    text += '\n';
    [[maybe_unused]] const auto written = write(pipe_[1], text.data(), text.size());
    for (;;) pause();
  }

  int pipe_[2] = {-1, -1};
  pid_t pid_ = -1;
};

}  // namespace cleave::test
