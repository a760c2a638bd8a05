// The two servers that Cleave can run for itself, each alone. Embedded (embedded.hpp) puts them
// together; tests also stop, kill and restart them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "supervise/child.hpp"

namespace cleave::supervise {

/// The user that servers run as: ourselves; as root, `postgres` if there is one, else `nobody`.
struct ServerUser {
  uid_t uid;
  gid_t gid;
  std::string name;
  static ServerUser choose();
};

class PostgresServer {
 public:
  struct Options {
    std::filesystem::path data_dir;    // made and filled by initdb when empty
    std::filesystem::path socket_dir;  // short: a socket path has 107 characters at most
    ServerUser user = ServerUser::choose();
    unsigned max_connections = 200;                           // all roles together
    std::filesystem::path installed = "/usr/lib/postgresql";  // a folder for each major version
    std::vector<std::string> settings;                        // more "name=value"
  };
  /// Throws std::runtime_error naming the Debian package when no server is installed at all.
  explicit PostgresServer(Options options);
  ~PostgresServer();

  /// Ends what a killed host left running on this directory, and removes it.
  static void remove(const std::filesystem::path& data_dir);

  void start();             // returns when it accepts connections; throws with the log's last line
  void stop();              // fast shutdown
  void kill();              // SIGKILL of the postmaster, as a crash
  void signal(int signal);  // to the postmaster
  bool running();
  pid_t pid() const noexcept;

  /// A database `name` owned by role `<name>_owner`, and a role `<name>_app` that may connect to it
  /// and to nothing else, by at most `connections` connections at a time (0: any number).
  /// Idempotent; the last number counts. Blocking: for start-up only.
  void create_database(const std::string& name, unsigned connections = 0);
  std::string url(const std::string& database, const std::string& role) const;
  std::string superuser_url(const std::string& database = "postgres") const;

 private:
  Options options_;
  std::unique_ptr<Child> child_;
};

class RedisServer {
 public:
  struct Options {
    std::filesystem::path socket_dir;
    ServerUser user = ServerUser::choose();
    std::vector<std::string> arguments;  // more of redis-server's
  };
  explicit RedisServer(Options options);
  ~RedisServer();
  void start();
  void stop();
  void kill();
  void signal(int signal);
  bool running();
  pid_t pid() const noexcept;
  std::string url() const;  // unix:///…/redis.sock

 private:
  Options options_;
  std::unique_ptr<Child> child_;
};

}  // namespace cleave::supervise
