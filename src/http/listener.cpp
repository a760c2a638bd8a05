#include "http/listener.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace cleave::http {
namespace {

constexpr int kBacklog = 4096;

struct HostPort {
  std::string host, port;
};

HostPort split(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  HostPort parts;
  if (colon != std::string::npos) {
    parts.host = address.substr(0, colon);
    parts.port = address.substr(colon + 1);
  }
  if (parts.host.size() > 2 && parts.host.front() == '[' && parts.host.back() == ']') {
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  }
  const bool number = !parts.port.empty() && parts.port.size() <= 5 &&
                      parts.port.find_first_not_of("0123456789") == std::string::npos &&
                      std::stoi(parts.port) <= 65535;
  if (parts.host.empty() || !number) {
    throw std::runtime_error("cannot listen on \"" + address +
                             "\": an address is HOST:PORT, [IPv6]:PORT or unix:PATH");
  }
  return parts;
}

/// The inode of the socket that listens on a port, from /proc/net/tcp and tcp6 (proc(5)).
std::string listening_inode(int port) {
  char wanted[8];
  std::snprintf(wanted, sizeof wanted, ":%04X", port);
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(table);
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::string slot, local, remote, state, skip, inode;
      words >> slot >> local >> remote >> state;
      for (int i = 0; i < 5; ++i) words >> skip;
      words >> inode;
      if (state == "0A" && local.ends_with(wanted)) return inode;
    }
  }
  return "";
}

/// " by NAME (pid N)" for whoever holds the port, when /proc lets us see it.
std::string holder_of(int port) {
  const std::string inode = listening_inode(port);
  if (inode.empty()) return "";
  const std::string wanted = "socket:[" + inode + "]";
  std::error_code error;
  for (const auto& process : std::filesystem::directory_iterator("/proc", error)) {
    const std::string pid = process.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    for (const auto& fd : std::filesystem::directory_iterator(process.path() / "fd", error)) {
      std::error_code gone;
      if (std::filesystem::read_symlink(fd.path(), gone) != wanted) continue;
      std::string name;
      std::getline(std::ifstream(process.path() / "comm"), name);
      return " by " + name + " (pid " + pid + ")";
    }
  }
  return "";
}

bool somebody_answers(const sockaddr_un& address) {
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool alive =
      connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(probe);
  return alive;
}

/// A directory with the set-group-ID bit is one that its owner shares with its group (inode(7)):
/// what is made there belongs to the group, and the umask must not take the use of it away. False
/// and errno: it could not be.
bool share(const std::string& socket_file) {
  const std::string directory = std::filesystem::absolute(socket_file).parent_path();
  struct stat info = {};
  if (stat(directory.c_str(), &info) != 0 || (info.st_mode & S_ISGID) == 0) return true;
  return fchmodat(AT_FDCWD, socket_file.c_str(), 0660, AT_SYMLINK_NOFOLLOW) == 0;
}

/// What each accepted connection inherits from its listener (tcp(7)). Failures cost speed only.
void tune(int fd, bool only_this_machine) {
  // An answer is one write: held back until the one before it is acknowledged, as Nagle's rule has
  // it, each answer to pipelined requests would wait out the client's delayed ACK, 40 ms.
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  // Congestion control that paces (BBR) arms a timer for each burst, and loopback has no path to
  // learn about. Reno is in every kernel and allowed to everybody.
  static constexpr char kPlain[] = "reno";
  if (only_this_machine) setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, kPlain, sizeof kPlain - 1);
}

}  // namespace

Listener::Listener(const std::string& address) {
  if (address.starts_with("unix:")) {
    listen_unix(address.substr(5));
  } else {
    const HostPort parts = split(address);
    listen_tcp(parts.host, parts.port);
  }
}

Listener::~Listener() {
  if (fd_ >= 0) close(fd_);
  if (!socket_file_.empty()) unlink(socket_file_.c_str());
}

void Listener::listen_unix(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    throw std::runtime_error("cannot listen on unix:" + path + ": a path has 1 to 107 characters");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  struct stat info = {};
  if (lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) {
      throw std::runtime_error("cannot listen on unix:" + path +
                               ": a file of that name is there; remove it or choose another");
    }
    if (somebody_answers(address)) {
      throw std::runtime_error("cannot listen on unix:" + path +
                               ": another process serves it; stop it or choose another");
    }
    unlink(path.c_str());
  }
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      !share(path) || listen(fd_, kBacklog) != 0) {
    const std::string why = std::strerror(errno);
    if (fd_ >= 0) close(fd_);
    throw std::runtime_error("cannot listen on unix:" + path + ": " + why);
  }
  socket_file_ = path;
  address_ = "unix:" + path;
}

void Listener::listen_tcp(const std::string& host, const std::string& port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (status != 0) {
    throw std::runtime_error("cannot listen on " + host + ":" + port + ": " + gai_strerror(status));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, &freeaddrinfo);
  fd_ = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd_ < 0 || bind(fd_, found->ai_addr, found->ai_addrlen) != 0 || listen(fd_, kBacklog) != 0) {
    const int error = errno;
    if (fd_ >= 0) close(fd_);
    if (error == EADDRINUSE) {
      throw std::runtime_error("port " + port + " on " + host + " is taken" +
                               holder_of(std::stoi(port)) +
                               "; stop that, or choose another address with --listen");
    }
    throw std::runtime_error("cannot listen on " + host + ":" + port + ": " + std::strerror(error) +
                             (error == EACCES ? "; ports below 1024 need privileges" : ""));
  }
  sockaddr_storage bound = {};
  socklen_t size = sizeof bound;
  getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size);
  const auto port_number =
      ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                        : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
  const bool v6 = host.find(':') != std::string::npos;
  address_ = (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port_number);
  tune(fd_, is_loopback(address_));
}

bool is_loopback(const std::string& address) {
  if (address.starts_with("unix:")) return true;
  const std::string host = split(address).host;
  return host.starts_with("127.") || host == "::1" || host == "localhost";
}

}  // namespace cleave::http
