#include "supervise/embedded.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>

#include "postgres/database.hpp"
#include "supervise/files.hpp"
#include "supervise/keeper.hpp"
#include "supervise/servers.hpp"

namespace cleave::supervise {
namespace {

namespace fs = std::filesystem;

/// One host a data directory: the kernel frees the lock when its holder dies, however it dies.
class Lock {
 public:
  explicit Lock(const fs::path& data_dir) {
    const fs::path file = data_dir / "lock";
    fd_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) {
      throw std::runtime_error("cannot write to " + data_dir.string() + ": " +
                               std::strerror(errno) +
                               "; choose another place with --data-dir or CLEAVE_DATA_DIR");
    }
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      char pid[16] = {};
      [[maybe_unused]] const auto got = read(fd_, pid, sizeof pid - 1);
      close(fd_);
      throw std::runtime_error("another host (pid " + std::string(pid) + ") uses the data in " +
                               data_dir.string() +
                               "; stop it, or choose another place with --data-dir");
    }
    const std::string pid = std::to_string(getpid());
    [[maybe_unused]] const auto cut = ftruncate(fd_, 0);
    [[maybe_unused]] const auto written = write(fd_, pid.data(), pid.size());
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { close(fd_); }

 private:
  int fd_;
};

/// A short private place for sockets (their paths have at most 107 characters), one for each data
/// directory, so that a killed host's leftovers are found and replaced.
fs::path runtime_dir(const fs::path& data_dir) {
  const auto hash = std::hash<std::string>{}(data_dir.string()) & 0xffffffff;
  char name[32];
  std::snprintf(name, sizeof name, "cleave-%u-%08zx", geteuid(), static_cast<std::size_t>(hash));
  return fs::path("/tmp") / name;
}

/// The runtime directory lies in /tmp: whoever made it before us must not be trusted.
void claim(const fs::path& directory, const ServerUser& user) {
  struct stat info = {};
  if (lstat(directory.c_str(), &info) == 0 &&
      (!S_ISDIR(info.st_mode) || (info.st_uid != user.uid && info.st_uid != geteuid()))) {
    throw std::runtime_error(directory.string() + " belongs to somebody else; remove it");
  }
  make_private(directory, user);
}

/// Ours until the end, also when a server does not start.
class SocketDir {
 public:
  SocketDir(const fs::path& directory, const ServerUser& user) : directory_(directory) {
    claim(directory, user);
  }
  SocketDir(const SocketDir&) = delete;
  SocketDir& operator=(const SocketDir&) = delete;
  ~SocketDir() {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }

 private:
  fs::path directory_;
};

/// Connections that a module may have: those of its pools, twice, because while it moves two hosts
/// have it; and a few that are closed at the client and not yet at the server. 0: any number.
unsigned connections_for(unsigned loops) {
  if (loops == 0) return 0;
  const postgres::Options pools;
  return 2 * loops * (pools.pipelines + 1 + pools.transactions) + 4;
}

/// All modules', and of each the owner's (migrations, seeds, a look by hand), and what PostgreSQL
/// keeps for its superuser.
unsigned connections_for_all(const EmbeddedOptions& options) {
  if (options.loops == 0) return PostgresServer::Options().max_connections;
  const auto modules = static_cast<unsigned>(options.modules.size());
  return modules * (connections_for(options.loops) + 8) + 10;
}

/// The directory becomes private to the servers: one that holds somebody's files must not.
void refuse_foreign(const fs::path& data_dir) {
  std::error_code none;
  if (fs::is_empty(data_dir, none) || none || fs::exists(data_dir / "lock")) return;
  throw std::runtime_error(data_dir.string() +
                           " holds files that are not ours; name a new or an empty directory "
                           "with --data-dir");
}

class Running final : public Embedded {
 public:
  explicit Running(const EmbeddedOptions& options)
      : user_(ServerUser::choose()),
        data_dir_(fs::absolute(options.data_dir.empty() ? default_data_dir() : options.data_dir)) {
    sockets_ = runtime_dir(data_dir_);
    // Both look for their programs: when one is missing nothing has been made yet.
    if (options.redis) {
      redis_ = std::make_unique<RedisServer>(
          RedisServer::Options{.socket_dir = sockets_, .user = user_});
    }
    if (options.postgres) {
      postgres_ = std::make_unique<PostgresServer>(
          PostgresServer::Options{.data_dir = data_dir_ / "postgres",
                                  .socket_dir = sockets_,
                                  .user = user_,
                                  .max_connections = connections_for_all(options)});
    }
    refuse_foreign(data_dir_);
    make_private(data_dir_, user_);
    lock_ = std::make_unique<Lock>(data_dir_);
    if (options.fresh) PostgresServer::remove(data_dir_ / "postgres");
    socket_dir_ = std::make_unique<SocketDir>(sockets_, user_);
    if (postgres_) start_postgres(options);
    if (redis_) {
      redis_->start();
      redis_url_ = redis_->url();
    }
    keep();
  }
  ~Running() override {
    keeper_.reset();
    redis_.reset();
    postgres_.reset();
  }
  const std::vector<ModuleDatabase>& databases() const override { return databases_; }
  const std::string& redis_url() const override { return redis_url_; }

 private:
  void keep() {
    std::vector<Keeper::Server> servers;
    const auto add = [&](const char* name, auto& server) {
      if (!server) return;
      servers.push_back({.name = name,
                         .running = [&one = *server] { return one.running(); },
                         .start = [&one = *server] { one.start(); },
                         .stop = [&one = *server] { one.stop(); }});
    };
    add("PostgreSQL", postgres_);
    add("Redis", redis_);
    keeper_ = std::make_unique<Keeper>(std::move(servers));
  }

  void start_postgres(const EmbeddedOptions& options) {
    postgres_->start();
    for (const std::string& module : options.modules) {
      postgres_->create_database(module, connections_for(options.loops));
      databases_.push_back({.module = module,
                            .owner_url = postgres_->url(module, module + "_owner"),
                            .runtime_url = postgres_->url(module, module + "_app"),
                            .runtime_role = module + "_app"});
    }
  }

  ServerUser user_;
  fs::path data_dir_, sockets_;
  std::unique_ptr<Lock> lock_;  // freed last
  std::unique_ptr<SocketDir> socket_dir_;
  std::unique_ptr<PostgresServer> postgres_;
  std::unique_ptr<RedisServer> redis_;
  std::vector<ModuleDatabase> databases_;
  std::string redis_url_;
  std::unique_ptr<Keeper> keeper_;
};

}  // namespace

std::unique_ptr<Embedded> Embedded::start(const EmbeddedOptions& options) {
  return std::make_unique<Running>(options);
}

fs::path default_data_dir() {
  if (geteuid() == 0) return "/var/cache/cleave";  // /root is closed to the servers' user
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return fs::path(cache) / "cleave";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') {
    throw std::runtime_error("HOME is not set; name a place for data with --data-dir");
  }
  return fs::path(home) / ".cache" / "cleave";
}

}  // namespace cleave::supervise
