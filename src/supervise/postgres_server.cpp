#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>

#include "supervise/access.hpp"
#include "supervise/files.hpp"
#include "supervise/postgres_binary.hpp"
#include "supervise/servers.hpp"

namespace cleave::supervise {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

using Connection = std::unique_ptr<PGconn, void (*)(PGconn*)>;

Connection connect(const std::string& url) {
  Connection connection(PQconnectdb(url.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    throw std::runtime_error("cannot administer the embedded PostgreSQL: " +
                             std::string(PQerrorMessage(connection.get())));
  }
  return connection;
}

/// Rows of the answer; a failure throws the server's words.
int execute(const Connection& connection, const std::string& sql) {
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection.get(), sql.c_str()),
                                                              &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error("embedded PostgreSQL: " +
                             std::string(PQresultErrorMessage(result.get())));
  }
  return PQntuples(result.get());
}

/// initdb would find out only when it has filled the disk, and the database later still.
void require_room(const fs::path& data_dir) {
  const std::optional<std::uint64_t> free = free_mib(data_dir);
  if (!free || *free >= kClusterMib) return;
  throw std::runtime_error("cannot make a PostgreSQL data directory in " + data_dir.string() +
                           ": it needs " + std::to_string(kClusterMib) + " MiB and " +
                           std::to_string(*free) +
                           " are free; make room, or choose another place with --data-dir");
}

void initialise(const fs::path& postgres, const PostgresServer::Options& options) {
  require_room(options.data_dir);
  // Into a sibling that is renamed when complete: a killed initdb leaves nothing that is believed.
  const fs::path half = options.data_dir.string() + ".half";
  fs::remove_all(half);
  make_private(half, options.user);
  const fs::path log = options.data_dir.string() + ".initdb.log";
  fs::remove(log);
  Child initdb({.name = "initdb",
                .argv = {(postgres.parent_path() / "initdb").string(), "-D", half.string(),
                         "--username=postgres", "--auth-local=peer", "--auth-host=reject",
                         "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync"},
                .log_file = log,
                .uid = options.user.uid,
                .gid = options.user.gid});
  while (initdb.running()) std::this_thread::sleep_for(5ms);
  if (initdb.stop(SIGTERM, 0ms) != 0) {
    const std::string why = last_line(log);
    fs::remove_all(half);
    throw std::runtime_error("cannot make a PostgreSQL data directory in " +
                             options.data_dir.string() + ": " + why +
                             "; make room, or choose another place with --data-dir");
  }
  const int directory = open(half.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  syncfs(directory);  // once, where initdb would sync a thousand files one by one
  close(directory);
  fs::rename(half, options.data_dir);
  fs::remove(log);
}

/// The processes of a server on this directory: each has it as its working directory.
std::vector<pid_t> processes_on(const fs::path& data_dir) {
  std::vector<pid_t> found;
  std::error_code ignored;
  const fs::path real = fs::weakly_canonical(data_dir, ignored);
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    std::error_code hidden;
    if (pid > 1 && fs::read_symlink(entry.path() / "cwd", hidden) == real) found.push_back(pid);
  }
  return found;
}

/// What a killed host left running: its postmaster, or backends that outlived both. The caller
/// holds the lock of the directory, so it is nobody else's. A postmaster.pid that remains names no
/// server any more, whoever has got its number since, and would stop the next start.
void stop_leftover(const fs::path& data_dir) {
  for (const int signal : {SIGINT, SIGQUIT, SIGKILL}) {
    const std::vector<pid_t> left = processes_on(data_dir);
    if (left.empty()) break;
    for (const pid_t pid : left) ::kill(pid, signal);
    for (const pid_t pid : left) wait_gone(pid, 3s);
  }
  fs::remove(data_dir / "postmaster.pid");
}

}  // namespace

PostgresServer::PostgresServer(Options options) : options_(std::move(options)) {
  find_postgres(options_.installed);
}

PostgresServer::~PostgresServer() {
  stop();
}

void PostgresServer::remove(const fs::path& data_dir) {
  if (!fs::exists(data_dir)) return;
  stop_leftover(data_dir);
  fs::remove_all(data_dir);
}

void PostgresServer::start() {
  const fs::path postgres = find_postgres(options_.installed, options_.data_dir);
  if (!fs::exists(options_.data_dir / "PG_VERSION")) initialise(postgres, options_);
  stop_leftover(options_.data_dir);
  make_private(options_.socket_dir, options_.user);
  write_access(options_.data_dir, read_names(options_.data_dir), options_.user);
  const fs::path log = options_.data_dir / "server.log";
  fs::remove(log);
  std::vector<std::string> argv = {postgres.string(), "-D", options_.data_dir.string()};
  std::vector<std::string> settings = {
      "listen_addresses=",
      "unix_socket_directories=" + options_.socket_dir.string(),
      "unix_socket_permissions=0700",
      "hba_file=" + (options_.data_dir / "cleave_hba.conf").string(),
      "ident_file=" + (options_.data_dir / "cleave_ident.conf").string(),
      "shared_buffers=128MB",
      "max_connections=" + std::to_string(options_.max_connections),
      "jit=off",
      "timezone=UTC",
      "log_timezone=UTC",
  };
  settings.insert(settings.end(), options_.settings.begin(), options_.settings.end());
  for (const std::string& setting : settings) {
    argv.emplace_back("-c");
    argv.push_back(setting);
  }
  child_ = std::make_unique<Child>(ChildOptions{.name = "postgres",
                                                .argv = std::move(argv),
                                                .log_file = log,
                                                .uid = options_.user.uid,
                                                .gid = options_.user.gid,
                                                .death_signal = SIGINT});  // fast shutdown
  const auto give_up = std::chrono::steady_clock::now() + 60s;  // crash recovery may take a while
  while (PQping(superuser_url().c_str()) != PQPING_OK) {
    if (!child_->running() || std::chrono::steady_clock::now() > give_up) {
      child_.reset();
      throw std::runtime_error("the embedded PostgreSQL did not start: " + last_line(log));
    }
    std::this_thread::sleep_for(5ms);
  }
}

void PostgresServer::stop() {
  if (!child_) return;
  child_->signal(SIGCONT);  // a test may have stopped it
  child_->stop(SIGINT, 20s);
  child_.reset();
}

void PostgresServer::kill() {
  if (!child_) return;
  child_->stop(SIGKILL, 0ms);
  child_.reset();
}

void PostgresServer::signal(int signal) {
  if (child_) child_->signal(signal);
}

bool PostgresServer::running() {
  return child_ && child_->running();
}

pid_t PostgresServer::pid() const noexcept {
  return child_ ? child_->pid() : -1;
}

void PostgresServer::create_database(const std::string& name, unsigned connections) {
  std::set<std::string> names = read_names(options_.data_dir);
  const Connection server = connect(superuser_url());
  const std::string owner = name + "_owner", app = name + "_app";
  for (const std::string& role : {owner, app}) {
    if (execute(server, "SELECT FROM pg_roles WHERE rolname = '" + role + "'") == 0) {
      execute(server, "CREATE ROLE \"" + role + "\" LOGIN");
    }
  }
  execute(server, "ALTER ROLE \"" + app + "\" CONNECTION LIMIT " +
                      (connections > 0 ? std::to_string(connections) : "-1"));
  if (execute(server, "SELECT FROM pg_database WHERE datname = '" + name + "'") == 0) {
    execute(server, "CREATE DATABASE \"" + name + "\" OWNER \"" + owner + "\"");
    execute(server, "REVOKE ALL ON DATABASE \"" + name + "\" FROM PUBLIC");  // CONNECT, TEMPORARY
    execute(server, "GRANT CONNECT ON DATABASE \"" + name + "\" TO \"" + app + "\"");
    const Connection inside = connect(superuser_url(name));
    execute(inside, "ALTER SCHEMA public OWNER TO \"" + owner + "\"");
    execute(inside, "REVOKE ALL ON SCHEMA public FROM PUBLIC");
    execute(inside, "GRANT USAGE ON SCHEMA public TO \"" + app + "\"");
  }
  if (!names.insert(name).second) return;
  write_access(options_.data_dir, names, options_.user);
  signal(SIGHUP);
  // The reload has no acknowledgement: ask as the new role until it is let in.
  const auto give_up = std::chrono::steady_clock::now() + 5s;
  for (;;) {
    const Connection probe(PQconnectdb(url(name, app).c_str()), &PQfinish);
    if (PQstatus(probe.get()) == CONNECTION_OK) return;
    if (std::chrono::steady_clock::now() > give_up) {
      throw std::runtime_error("the embedded PostgreSQL does not let " + app +
                               " in: " + PQerrorMessage(probe.get()));
    }
    std::this_thread::sleep_for(5ms);
  }
}

std::string PostgresServer::url(const std::string& database, const std::string& role) const {
  return "host=" + options_.socket_dir.string() + " dbname=" + database + " user=" + role;
}

std::string PostgresServer::superuser_url(const std::string& database) const {
  return url(database, "postgres");
}

}  // namespace cleave::supervise
