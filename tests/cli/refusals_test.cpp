// Mistakes on the command line, in the environment, in a file and on the machine: each gets its
// exit code and one clear line with a remedy, at once, and leaves nothing behind.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "cli/program.hpp"
#include "supervise/servers.hpp"
#include "support/without.hpp"

namespace cleave::test {
namespace {

constexpr int kUsage = 64, kUnavailable = 69, kConfig = 78;  // sysexits.h

/// A refused start: the code, the words, few lines, no data directory begun, no process left.
void check_refused(HostProcess::Arguments arguments, const HostProcess::Environment& environment,
                   int code, const std::vector<std::string>& words) {
  const OpenTempDir directory;
  const std::string data = directory / "data";
  const bool wants_data =
      !arguments.empty() && arguments.front() == "run" &&
      std::find(arguments.begin(), arguments.end(), "--data-dir") == arguments.end();
  if (wants_data) arguments.insert(arguments.begin() + 1, {"--data-dir", data});
  const Ended ended = run_program(arguments, environment);
  std::string line = "cleave";
  for (const std::string& argument : arguments) line += " " + argument;
  CAPTURE(line);
  INFO("it said: ", ended.err);
  CHECK(ended.code.value_or(-1) == code);
  for (const std::string& word : words) {
    CAPTURE(word);
    CHECK(ended.err.find(word) != std::string::npos);
  }
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') <= 3);
  CHECK(ended.err.find("terminate called") == std::string::npos);
  CHECK_FALSE(std::filesystem::exists(data + "/postgres"));
  CHECK(processes_with(directory.path().string()).empty());
}

/// A port that is taken until the end of the object's life.
class TakenPort {
 public:
  TakenPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(listen(fd_, 1) == 0);
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    number_ = std::to_string(ntohs(address.sin_port));
  }
  TakenPort(const TakenPort&) = delete;
  TakenPort& operator=(const TakenPort&) = delete;
  ~TakenPort() { close(fd_); }
  const std::string& number() const { return number_; }

 private:
  int fd_;
  std::string number_;
};

std::string write_file(const TempDir& directory, const std::string& text) {
  const std::string path = directory / "cleave.toml";
  std::ofstream(path) << text;
  return path;
}

}  // namespace

TEST_CASE("an unknown flag, an unknown command or a missing argument is a usage error") {
  check_refused({"run", "--lisen", "127.0.0.1:0"}, {}, kUsage, {"--lisen", "--help"});
  check_refused({"rum"}, {}, kUsage, {"rum", "--help"});
  check_refused({}, {}, kUsage, {"--help"});
  check_refused({"call"}, {}, kUsage, {"METHOD", "--help"});
  check_refused({"call", "GET"}, {}, kUsage, {"PATH", "--help"});
  check_refused({"run", "--listen"}, {}, kUsage, {"--listen", "--help"});
  check_refused({"run", "surplus"}, {}, kUsage, {"surplus", "--help"});
}

TEST_CASE("a value that is no number, or beyond its range, is a usage error") {
  for (const std::string value : {"many", "0", "65", "-1", "1.5", ""}) {
    check_refused({"run", "--threads", value}, {}, kUsage, {"--threads"});
  }
  check_refused({"run", "--body-limit", "1MB?"}, {}, kUsage, {"--body-limit"});
  check_refused({"run", "--log-level", "loud"}, {}, kUsage, {"--log-level", "debug"});
  check_refused({"run"}, {{"CLEAVE_THREADS", "many"}}, kUsage, {"threads"});
}

TEST_CASE("an unknown variable is refused, and the right name is suggested") {
  check_refused({"run"}, {{"CLEAVE_LISTN", "127.0.0.1:0"}}, kConfig,
                {"CLEAVE_LISTN", "did you mean CLEAVE_LISTEN?"});
  check_refused({"run"}, {{"CLEAVE_USER_DATABASE_URI", "x"}}, kConfig,
                {"did you mean CLEAVE_USER_DATABASE_URL?"});
  check_refused({"run"}, {{"CLEAVE_NONSENSE_OF_SOME_KIND", "x"}}, kConfig, {"cleave run --help"});
}

TEST_CASE("a mistake in the file of settings is refused with the file's name") {
  const OpenTempDir directory;
  const auto check = [&](const std::string& text, const std::vector<std::string>& words) {
    CAPTURE(text);
    const std::string file = write_file(directory, text);
    check_refused({"run", "--config", file}, {}, kConfig, words);
    check_refused({"run"}, {{"CLEAVE_CONFIG", file}}, kConfig, words);
  };
  check("lisen = \"127.0.0.1:0\"\n", {"cleave.toml", "lisen"});
  check("[user]\ndatabase-uri = \"x\"\n", {"cleave.toml", "user-database-uri"});
  check("[nobody]\ndatabase-url = \"x\"\n", {"cleave.toml", "nobody-database-url"});
  check("threads = \"many\"\n", {"cleave.toml", "threads"});
  check("threads = 1000\n", {"cleave.toml", "threads"});
  check_refused({"run", "--config", directory / "missing.toml"}, {}, kConfig, {"missing.toml"});
}

TEST_CASE("a module directory that is missing or empty is refused") {
  const OpenTempDir directory;
  for (const std::string command : {"run", "check", "migrate"}) {
    check_refused({command, "--module-dir", directory.path()}, {}, kConfig,
                  {"no module in", directory.path(), "--module-dir"});
    check_refused({command, "--module-dir", directory / "missing"}, {}, kConfig, {"--module-dir"});
  }
  check_refused({"run"}, {{"CLEAVE_MODULE_DIR", directory / "missing"}}, kConfig, {"--module-dir"});
  check_refused({"run", "--modules", "user,nobody"}, {}, kConfig, {"nobody", "user"});
}

TEST_CASE("a file in the module directory that is no module is refused by name") {
  const OpenTempDir directory;
  std::ofstream(directory / "garbage.so") << "this is no library";
  chmod((directory / "garbage.so").c_str(), 0644);
  check_refused({"run", "--module-dir", directory.path()}, {}, kConfig, {"garbage.so"});
}

TEST_CASE("an address that is taken or makes no sense is refused") {
  const TakenPort port;
  const std::string taken = "127.0.0.1:" + port.number();
  check_refused({"run", "--listen", taken, "--admin-listen", "off"}, {}, kConfig,
                {port.number(), "--listen"});
  check_refused({"run", "--listen", "127.0.0.1:0", "--admin-listen", taken}, {}, kConfig,
                {port.number()});
  for (const std::string address : {"nonsense", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:http",
                                    ":", "", "unix:", "unix:/nowhere/at/all/socket"}) {
    check_refused({"run", "--admin-listen", "off", "--listen", address}, {}, kConfig,
                  {"cannot listen on", address});
  }
}

TEST_CASE("a module that runs elsewhere needs a URL that makes sense, and a service token") {
  const HostProcess::Arguments order{"run",         "--modules",      "order", "--listen",
                                     "127.0.0.1:0", "--admin-listen", "off"};
  HostProcess::Environment environment = nobody_listens();
  environment["CLEAVE_SERVICE_TOKEN"] = "x";
  environment["CLEAVE_USER_URL"] = "http://127.0.0.1:1";
  check_refused(order, environment, kConfig,
                {"order depends on product", "CLEAVE_PRODUCT_URL", "run product here too"});
  environment["CLEAVE_PRODUCT_URL"] = "product-service:8080";
  check_refused(order, environment, kConfig,
                {"CLEAVE_PRODUCT_URL", "product-service:8080", "http://HOST:PORT"});
  environment["CLEAVE_PRODUCT_URL"] = "http://127.0.0.1:1";
  environment["CLEAVE_SERVICE_TOKEN"] = "two words";
  check_refused(order, environment, kConfig, {"service token", "printable"});
  environment.erase("CLEAVE_SERVICE_TOKEN");
  check_refused(order, environment, kConfig, {"CLEAVE_SERVICE_TOKEN"});
  environment["CLEAVE_SERVICE_TOKEN"] = "x";
  environment["CLEAVE_ORDER_URL"] = "http://127.0.0.1:1";
  check_refused(order, environment, kConfig,
                {"CLEAVE_ORDER_URL", "order runs here", "CLEAVE_MODULES"});
}

TEST_CASE("an admin listener beyond loopback needs a token") {
  for (const std::string address : {"0.0.0.0:0", "[::]:0"}) {
    check_refused({"run", "--listen", "127.0.0.1:0", "--admin-listen", address}, {}, kConfig,
                  {"CLEAVE_ADMIN_TOKEN"});
  }
}

TEST_CASE("a malformed connection string is refused before anything starts") {
  for (const std::string url :
       {"postgresql://a/%zz", "postgresql://u:p%zz@a/b", "nonsense", "host=a port"}) {
    HostProcess::Environment environment = nobody_listens();
    environment["CLEAVE_USER_DATABASE_URL"] = url;
    check_refused({"run", "--listen", "127.0.0.1:0", "--admin-listen", "off"}, environment, kConfig,
                  {"user"});
  }
  HostProcess::Environment environment;  // product and order would be embedded
  environment["CLEAVE_USER_DATABASE_URL"] = "nonsense";
  check_refused({"run", "--listen", "127.0.0.1:0", "--admin-listen", "off"}, environment, kConfig,
                {"user"});
  environment = nobody_listens();
  environment["CLEAVE_REDIS_URL"] = "nonsense";
  check_refused({"run", "--listen", "127.0.0.1:0", "--admin-listen", "off"}, environment, kConfig,
                {"Redis"});
}

// The server is there and will not change its mind: waiting for it would only hide the mistake.
TEST_CASE("a database that is not there, or a role that is not let in, is refused by its setting") {
  const OpenTempDir directory;
  const std::string hba = directory / "hba.conf", sockets = directory / "s";
  std::ofstream(hba) << "local all postgres peer map=cleave\nlocal all all scram-sha-256\n";
  chmod(hba.c_str(), 0644);
  supervise::PostgresServer server(
      {.data_dir = directory / "data", .socket_dir = sockets, .settings = {"hba_file=" + hba}});
  server.start();
  const auto refused = [&](const std::string& who, const std::string& word) {
    HostProcess::Environment environment = nobody_listens();
    environment["CLEAVE_USER_DATABASE_URL"] = "host=" + sockets + who;
    const Ended ended = run_program(
        {"run", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--modules", "user"},
        environment);
    CAPTURE(who);
    INFO("it said: ", ended.err);
    CHECK(ended.code.value_or(-1) == kConfig);
    CHECK(ended.err.find(word) != std::string::npos);
    CHECK(ended.err.find("check CLEAVE_USER_DATABASE_URL") != std::string::npos);
    CHECK(ended.err.find("my-secret") == std::string::npos);
    CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  };
  // PostgreSQL does not tell a role that it does not know from a wrong password.
  refused(" dbname=postgres user=somebody password=my-secret", "password authentication failed");
  refused(" dbname=nothing user=postgres", "\"nothing\" does not exist");
}

TEST_CASE("a secret's file that cannot be read is refused") {
  const OpenTempDir directory;
  for (const std::string path : {directory / "missing", directory.path()}) {
    check_refused({"run"}, {{"CLEAVE_USER_DATABASE_URL_FILE", path}}, kConfig,
                  {"user-database-url", path});
    check_refused({"run", "--admin-token-file", path}, {}, kConfig, {"admin-token", path});
  }
  check_refused({"run"}, {{"CLEAVE_ADMIN_TOKEN", "x"}, {"CLEAVE_ADMIN_TOKEN_FILE", "/dev/null"}},
                kUsage, {"admin-token"});
}

TEST_CASE("a data directory that cannot be written is refused") {
  check_refused(
      {"run", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--data-dir", "/dev/null/data"},
      {}, kUnavailable, {"/dev/null/data", "--data-dir"});
}

TEST_CASE("a disk that is too full is told at once, and nothing is left on it") {
  const OpenTempDir directory;
  if (geteuid() != 0 ||
      mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=8m,mode=0711") != 0) {
    MESSAGE("skipped: a small disk can be mounted by root only");
    return;
  }
  const std::string data = directory / "data";
  const Ended ended = run_program(run_arguments(data));
  INFO("it said: ", ended.err);
  CHECK(ended.code == kUnavailable);
  CHECK(ended.err.find("it needs 100 MiB and ") != std::string::npos);
  CHECK(ended.err.find("--data-dir") != std::string::npos);
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  CHECK_FALSE(std::filesystem::exists(data + "/postgres.half"));
  CHECK_FALSE(std::filesystem::exists(data + "/postgres.initdb.log"));
  CHECK(processes_with(directory.path().string()).empty());
  umount2(directory.path().c_str(), MNT_DETACH);
}

TEST_CASE("a server that is not installed is named by its package, and nothing is left behind") {
  const OpenTempDir directory;
  const std::string data = directory / "data";
  const auto refused = [&](const std::string& package) {
    const Ended ended = run_program({"run", "--data-dir", data}, {{"PATH", directory.path()}});
    CAPTURE(ended.err);
    CHECK(ended.code.value_or(-1) == kUnavailable);
    CHECK(ended.err.find("sudo apt-get install " + package) != std::string::npos);
    CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
    CHECK_FALSE(std::filesystem::exists(data));
    CHECK(processes_with(directory.path().string()).empty());
  };
  const bool may = without({"/usr/lib/postgresql"}, [&] { refused("postgresql"); }) &&
                   without({"/usr/bin/redis-server"}, [&] { refused("redis-server"); });
  if (!may) MESSAGE("skipped: only root may hide what is installed");
}

}  // namespace cleave::test
