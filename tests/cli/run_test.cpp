// cleave run from start to end: where settings come from, what it needs, how it stops, and what a
// host that was killed leaves to the next one.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/program.hpp"
#include "support/http_client.hpp"

namespace cleave::test {
namespace {

using Json = nlohmann::json;

/// A host without embedded servers: it starts at once.
HostProcess::Arguments bare(const HostProcess::Arguments& more) {
  HostProcess::Arguments all{"run", "--admin-listen", "off", "--log-format", "json"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string user_json(const std::string& email) {
  return Json{{"name", "Ada"}, {"email", email}}.dump();
}

/// Takes connections, as the kernel does for it, and says nothing.
class Mute {
 public:
  Mute() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(fd_, 64) == 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Mute() { close(fd_); }
  std::string url() const {
    return "postgresql://somebody@127.0.0.1:" + std::to_string(port_) + "/nothing";
  }

 private:
  int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int port_ = 0;
};

}  // namespace

TEST_CASE("SIGTERM ends the host well, and its servers with it") {
  HostProcess host(run_arguments(shared_data()));
  REQUIRE(host.wait_until_serving());
  const std::vector<pid_t> servers = descendants(host.pid());
  CHECK(servers.size() >= 2);  // PostgreSQL with its helpers, Redis
  CHECK(ask_at(host.address(), "GET", "/readyz").status == 200);
  HttpClient idle(host.address());
  CHECK(idle.ask("GET", "/users").status == 200);
  host.signal(SIGTERM);
  CHECK(host.wait().value_or(-1) == 0);
  CHECK(idle.ends_within(std::chrono::milliseconds(100)));
  CHECK(all_end(servers, std::chrono::milliseconds(500)));
  CHECK(contains(host.err(), "\"message\":\"stopped\""));
  CHECK_THROWS(HttpClient(host.address()));
}

TEST_CASE("while it drains, the host says that it is not ready and answers what it has begun") {
  HostProcess host(bare({"--listen", "127.0.0.1:0"}), nobody_listens());
  REQUIRE(host.wait_until_serving());
  HttpClient kept(host.address());
  CHECK(kept.ask("GET", "/livez").status == 200);
  host.signal(SIGTERM);
  REQUIRE(host.wait_for_log("stopping"));
  const HttpAnswer answer = kept.ask("GET", "/readyz");
  CHECK(answer.status == 503);
  CHECK(answer.closed);
  CHECK(host.wait().value_or(-1) == 0);
}

TEST_CASE("a database that takes connections and says nothing does not hold up the start") {
  const Mute mute;
  HostProcess::Environment urls{{"CLEAVE_REDIS_URL", "off"}};
  for (const char* module : {"USER", "PRODUCT", "ORDER"}) {
    urls["CLEAVE_" + std::string(module) + "_DATABASE_URL"] = mute.url();
  }
  const auto start = std::chrono::steady_clock::now();
  HostProcess host(bare({"--listen", "127.0.0.1:0"}), urls);
  REQUIRE(host.wait_until_serving());
  CHECK(ask_at(host.address(), "GET", "/livez").status == 200);
  CHECK(std::chrono::steady_clock::now() - start < kPromptly + std::chrono::seconds(2));
  CHECK(ask_at(host.address(), "GET", "/readyz").status == 503);
  CHECK(host.wait_for_log("trying again"));
  host.signal(SIGTERM);
  CHECK(host.wait().value_or(-1) == 0);
}

TEST_CASE("a host that was killed leaves nothing in the way of the next one, and no row is lost") {
  std::string path;
  {
    HostProcess host(run_arguments(shared_data()));
    REQUIRE(host.wait_until_serving());
    const std::vector<pid_t> servers = descendants(host.pid());
    const std::string email = std::to_string(host.pid()) + "@example.org";
    const HttpAnswer made = ask_at(host.address(), "POST", "/users", user_json(email));
    REQUIRE(made.status == 201);
    path = made.header("Location");
    host.signal(SIGKILL);
    REQUIRE(host.wait() == 128 + SIGKILL);
    CHECK(all_end(servers));
  }
  HostProcess next(run_arguments(shared_data()));
  REQUIRE(next.wait_until_serving());
  CHECK(ask_at(next.address(), "GET", path).status == 200);
  next.signal(SIGTERM);
  CHECK(next.wait().value_or(-1) == 0);
}

TEST_CASE("a killed host's servers do not stop a start that follows at once") {
  HostProcess host(run_arguments(shared_data()));
  REQUIRE(host.wait_until_serving());
  host.signal(SIGKILL);
  HostProcess next(run_arguments(shared_data()));
  REQUIRE(next.wait_until_serving());
  CHECK(ask_at(next.address(), "GET", "/users").status == 200);
}

TEST_CASE("a second host on the same data or the same port is refused, and the first lives on") {
  HostProcess host(run_arguments(shared_data()));
  REQUIRE(host.wait_until_serving());
  const Ended same_data = run_program(run_arguments(shared_data()));
  INFO(same_data.err);
  CHECK(same_data.code.value_or(-1) == 69);
  CHECK(contains(same_data.err, "pid " + std::to_string(host.pid())));
  CHECK(contains(same_data.err, "--data-dir"));
  const std::string address = host.address().substr(7);  // without http://
  const Ended same_port = run_program(bare({"--listen", address}), nobody_listens());
  INFO(same_port.err);
  CHECK(same_port.code.value_or(-1) == 78);
  CHECK(contains(same_port.err, address.substr(address.find(':') + 1)));
  CHECK(ask_at(host.address(), "GET", "/users").status == 200);
}

TEST_CASE("a database that nobody serves costs its module only") {
  HostProcess host(run_arguments(shared_data()),
                   {{"CLEAVE_USER_DATABASE_URL", "postgresql://u@127.0.0.1:1/x"}});
  REQUIRE(host.wait_until_serving());
  CHECK(ask_at(host.address(), "GET", "/livez").status == 200);
  const HttpAnswer ready = ask_at(host.address(), "GET", "/readyz");
  CHECK(ready.status == 503);
  const HttpAnswer users = ask_at(host.address(), "GET", "/users");
  CHECK(users.status == 503);
  CHECK(users.header("Content-Type") == "application/problem+json");
  CHECK(users.has("Retry-After"));
  const HttpAnswer product =
      ask_at(host.address(), "POST", "/products", R"({"name":"x","price_cents":1})");
  REQUIRE(product.status == 201);
  const Json wanted{{"user_id", 1}, {"product_id", Json::parse(product.body)["id"]}};
  const HttpAnswer order = ask_at(host.address(), "POST", "/orders", wanted.dump());
  CHECK(order.status == 503);
  CHECK(contains(order.body, "/problems/peer-unavailable"));
  CHECK(order.has("Retry-After"));
  CHECK(ask_at(host.address(), "GET", "/orders").status == 200);
  host.signal(SIGTERM);
  CHECK(host.wait().value_or(-1) == 0);
}

TEST_CASE("a flag overrides a variable, a variable the file, the file the default") {
  const OpenTempDir directory;
  const auto at = [&](const char* name) { return "unix:" + (directory / name).string(); };
  const std::string file = directory / "cleave.toml";
  std::ofstream(file) << "listen = \"" << at("file") << "\"\nmodules = \"user\"\nthreads = 3\n";
  const auto listens_at = [&](const HostProcess::Arguments& flags,
                              HostProcess::Environment environment, const char* name) {
    environment.merge(nobody_listens());
    environment["CLEAVE_CONFIG"] = file;
    HostProcess host(bare(flags), environment);
    REQUIRE(host.wait_until_serving());
    CAPTURE(name);
    CHECK(ask_at(at(name), "GET", "/livez").status == 200);
    CHECK(contains(host.err(), "\"modules\":\"user\""));
    CHECK(contains(host.err(), "\"threads\":\"3\""));
    host.signal(SIGTERM);
    CHECK(host.wait().value_or(-1) == 0);
    CHECK_FALSE(std::filesystem::exists(directory / name));  // no socket is left
  };
  listens_at({}, {}, "file");
  listens_at({}, {{"CLEAVE_LISTEN", at("variable")}}, "variable");
  listens_at({"--listen", at("flag")}, {{"CLEAVE_LISTEN", at("variable")}}, "flag");
}

TEST_CASE("a socket file that a killed host left is taken over, one in use is not") {
  const OpenTempDir directory;
  const std::string address = "unix:" + (directory / "socket").string();
  {
    HostProcess killed(bare({"--listen", address}), nobody_listens());
    REQUIRE(killed.wait_until_serving());
  }
  HostProcess host(bare({"--listen", address}), nobody_listens());
  REQUIRE(host.wait_until_serving());
  CHECK(run_program(bare({"--listen", address}), nobody_listens()).code == 78);
  CHECK(ask_at(address, "GET", "/livez").status == 200);
}

TEST_CASE("a URL that leads to a host without the module is told once, and costs 503 only") {
  HostProcess::Environment environment = nobody_listens();
  environment["CLEAVE_SERVICE_TOKEN"] = "shared";
  environment["CLEAVE_MODULES"] = "product";
  HostProcess wrong(bare({"--listen", "127.0.0.1:0"}), environment);
  REQUIRE(wrong.wait_until_serving());
  environment["CLEAVE_MODULES"] = "order";
  environment["CLEAVE_USER_URL"] = environment["CLEAVE_PRODUCT_URL"] = wrong.address();
  HostProcess host(bare({"--listen", "127.0.0.1:0"}), environment);
  REQUIRE(host.wait_until_serving());
  const std::string line = "peer user at " + wrong.address() + " answers, but does not run user";
  REQUIRE(host.wait_for_log(line));
  const HttpAnswer answer =
      ask_at(host.address(), "POST", "/orders", R"({"user_id":1,"product_id":1})");
  CHECK(answer.status == 503);
  CHECK(answer.header("Retry-After") == "1");
  CHECK(host.err().find(line) == host.err().rfind(line));
  for (HostProcess* one : {&host, &wrong}) {
    one->signal(SIGTERM);
    CHECK(one->wait().value_or(-1) == 0);
  }
}

TEST_CASE("a secret appears in no log, no answer and no metric") {
  const OpenTempDir directory;
  const std::string canary = "canary-4711";
  const std::string file = directory / "secret";
  std::ofstream(file) << "postgresql://u:" << canary << "@127.0.0.1:1/x\n";
  HostProcess::Environment environment = nobody_listens();
  environment.erase("CLEAVE_USER_DATABASE_URL");
  environment["CLEAVE_USER_DATABASE_URL_FILE"] = file;
  environment["CLEAVE_PRODUCT_DATABASE_URL"] =
      "host=127.0.0.1 port=1 user=u password=" + canary + " dbname=x";
  environment["CLEAVE_ORDER_OWNER_DATABASE_URL"] = "postgresql://o:" + canary + "@127.0.0.1:1/x";
  environment["CLEAVE_REDIS_URL"] = "redis://:" + canary + "@127.0.0.1:1";
  environment["CLEAVE_ADMIN_TOKEN"] = canary;
  environment["CLEAVE_SERVICE_TOKEN"] = canary;
  HostProcess host({"run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                    "--log-format", "json", "--log-level", "debug"},
                   environment);
  REQUIRE(host.wait_until_serving());
  const Headers token{{"Authorization", "Bearer " + canary}};
  std::string seen;
  for (const std::string path : {"/users", "/products", "/orders", "/readyz", "/nope"}) {
    seen += ask_at(host.address(), "GET", path).body;
  }
  for (const std::string path : {"/readyz", "/metrics"}) {
    const HttpAnswer answer = ask_at(host.admin(), "GET", path, "", token);
    CHECK(answer.status != 401);
    seen += answer.body;
    seen += ask_at(host.admin(), "GET", path).body;
  }
  host.signal(SIGTERM);
  CHECK(host.wait().value_or(-1) == 0);
  CHECK(seen.size() > 100);
  CHECK_FALSE(contains(seen, canary));
  CHECK_FALSE(contains(host.err(), canary));
  CHECK_FALSE(contains(host.out(), canary));
}

}  // namespace cleave::test
