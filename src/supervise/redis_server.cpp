#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <thread>

#include "supervise/files.hpp"
#include "supervise/servers.hpp"

namespace cleave::supervise {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

fs::path find_redis() {
  const fs::path found = find_program("redis-server", {"/usr/bin"});
  if (found.empty()) {
    throw std::runtime_error(
        "redis-server is not installed: sudo apt-get install redis-server "
        "(or set CLEAVE_REDIS_URL; `off` runs without a cache)");
  }
  return found;
}

/// Whether a server on this socket answers PING; it has 200 ms.
bool answers(const fs::path& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const timeval limit{.tv_sec = 0, .tv_usec = 200000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char answer[8] = {};
  const bool pong = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                    send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
                    recv(fd, answer, sizeof answer - 1, 0) > 0 && answer[0] == '+';
  close(fd);
  return pong;
}

}  // namespace

RedisServer::RedisServer(Options options) : options_(std::move(options)) {
  find_redis();
}

RedisServer::~RedisServer() {
  stop();
}

void RedisServer::start() {
  make_private(options_.socket_dir, options_.user);
  const fs::path socket = options_.socket_dir / "redis.sock";
  const fs::path log = options_.socket_dir / "redis.log";
  fs::remove(socket);
  fs::remove(log);
  std::vector<std::string> argv = {find_redis().string(),
                                   "--port",
                                   "0",
                                   "--unixsocket",
                                   socket.string(),
                                   "--unixsocketperm",
                                   "700",
                                   "--dir",
                                   options_.socket_dir.string(),
                                   "--save",
                                   "",
                                   "--appendonly",
                                   "no",
                                   "--maxmemory",
                                   "64mb",
                                   "--maxmemory-policy",
                                   "allkeys-lru",
                                   "--daemonize",
                                   "no"};
  argv.insert(argv.end(), options_.arguments.begin(), options_.arguments.end());
  child_ = std::make_unique<Child>(ChildOptions{.name = "redis-server",
                                                .argv = std::move(argv),
                                                .log_file = log,
                                                .uid = options_.user.uid,
                                                .gid = options_.user.gid,
                                                .death_signal = SIGKILL});  // it keeps nothing
  const auto give_up = std::chrono::steady_clock::now() + 10s;
  while (!answers(socket)) {
    if (!child_->running() || std::chrono::steady_clock::now() > give_up) {
      child_.reset();
      throw std::runtime_error("the embedded redis-server did not start: " + last_line(log));
    }
    std::this_thread::sleep_for(2ms);
  }
}

void RedisServer::stop() {
  if (!child_) return;
  child_->signal(SIGCONT);  // a test may have stopped it
  child_->stop(SIGTERM, 5s);
  child_.reset();
}

void RedisServer::kill() {
  if (!child_) return;
  child_->stop(SIGKILL, 0ms);
  child_.reset();
}

void RedisServer::signal(int signal) {
  if (child_) child_->signal(signal);
}

bool RedisServer::running() {
  return child_ && child_->running();
}

pid_t RedisServer::pid() const noexcept {
  return child_ ? child_->pid() : -1;
}

std::string RedisServer::url() const {
  return "unix://" + (options_.socket_dir / "redis.sock").string();
}

}  // namespace cleave::supervise
