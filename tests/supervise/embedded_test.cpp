// Both servers for one host: first and later starts, a second host, a host that is killed, and a
// host that is not root.
#include "supervise/embedded.hpp"

#include <doctest/doctest.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "supervise/scene.hpp"

namespace cleave::test {
namespace {

using supervise::Embedded;
using supervise::EmbeddedOptions;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

EmbeddedOptions in(const std::filesystem::path& data_dir) {
  return {.data_dir = data_dir, .modules = {"shop"}};
}

/// Starts both, uses them, and tells the number of the server's first row.
std::string use(const std::filesystem::path& data_dir) {
  static std::unique_ptr<Embedded> kept;  // until the process ends
  kept = Embedded::start(in(data_dir));
  const std::string& owner = kept->databases().at(0).owner_url;
  const std::string made = ask(owner, "CREATE TABLE IF NOT EXISTS t (x serial)");
  if (!made.empty()) return made;
  ask(owner, "INSERT INTO t DEFAULT VALUES");
  return "rows " + ask(owner, "SELECT count(*) FROM t");
}

/// The child of this process that runs a program: proc(5), stat; -1: none.
pid_t child_named(const std::string& program) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream in(entry.path() / "stat");
    pid_t pid = 0, parent = 0;
    std::string name, state;
    if (!(in >> pid >> name >> state >> parent) || parent != getpid() || state == "Z") continue;
    if (name == "(" + program + ")") return pid;
  }
  return -1;
}

}  // namespace

TEST_CASE("a later start finds the rows of the first, a fresh one does not") {
  const Place place;
  const auto rows = [&](EmbeddedOptions options, const std::string& sql) {
    const auto servers = Embedded::start(options);
    REQUIRE(servers->databases().size() == 1);
    CHECK(servers->databases()[0].module == "shop");
    CHECK(servers->databases()[0].runtime_role == "shop_app");
    CHECK(servers->redis_url().starts_with("unix:///"));
    CHECK(ask(servers->databases()[0].runtime_url, "SELECT current_user") == "shop_app");
    return ask(servers->databases()[0].owner_url, sql);
  };
  CHECK(rows(in(place / "data"), "CREATE TABLE t (x int)") == "");
  CHECK(rows(in(place / "data"), "SELECT count(*) FROM t") == "0");
  EmbeddedOptions fresh = in(place / "data");
  fresh.fresh = true;
  CHECK(contains(rows(fresh, "SELECT count(*) FROM t"), "does not exist"));
}

TEST_CASE("a directory with somebody's files is refused, and they stay") {
  // `--data-dir ~ --fresh` once removed all that lay there.
  const Place place;
  std::filesystem::create_directories(place / "home");
  std::ofstream(place / "home" / "thesis.txt") << "years of work";
  for (const bool fresh : {false, true}) {
    EmbeddedOptions options = in(place / "home");
    options.fresh = fresh;
    CHECK_THROWS_WITH_AS(Embedded::start(options), doctest::Contains("not ours"),
                         std::runtime_error);
  }
  CHECK(std::filesystem::exists(place / "home/thesis.txt"));
}

TEST_CASE("a stale postmaster.pid that names another process does not stop the next start") {
  const Place place;
  { const auto first = Embedded::start(in(place / "data")); }
  std::ofstream(place / "data/postgres/postmaster.pid") << getpid() << "\n";
  CHECK_NOTHROW(Embedded::start(in(place / "data")));
}

TEST_CASE("a server that is killed is started again, and its rows are there") {
  const Place place;
  const auto servers = Embedded::start(in(place / "data"));
  const std::string url = servers->databases()[0].owner_url;
  CHECK(ask(url, "CREATE TABLE t (x int)") == "");
  CHECK(ask(url, "INSERT INTO t VALUES (7)") == "");
  for (const std::string program : {"postgres", "redis-server"}) {
    CAPTURE(program);
    const pid_t killed = child_named(program);
    REQUIRE(killed > 0);
    kill(killed, SIGKILL);
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    pid_t now = killed;
    while ((now == killed || now < 0) && std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      now = child_named(program);
    }
    CHECK(now > 0);
    CHECK(now != killed);
    while (ask(url, "SELECT x FROM t") != "7" && std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    CHECK(ask(url, "SELECT x FROM t") == "7");
  }
}

TEST_CASE("a module that takes all its connections leaves the others theirs") {
  const Place place;
  EmbeddedOptions options = in(place / "data");
  options.modules = {"shop", "stock"};
  options.loops = 2;
  const auto servers = Embedded::start(options);
  const std::string& greedy = servers->databases()[0].runtime_url;
  std::vector<std::unique_ptr<PGconn, void (*)(PGconn*)>> taken;
  std::string refusal;
  while (refusal.empty() && taken.size() < 1000) {
    taken.emplace_back(PQconnectdb(greedy.c_str()), &PQfinish);
    if (PQstatus(taken.back().get()) != CONNECTION_OK) {
      refusal = PQerrorMessage(taken.back().get());
      taken.pop_back();
    }
  }
  CHECK(contains(refusal, "too many connections for role \"shop_app\""));
  CHECK(taken.size() >= 2 * 2 * 6);  // two hosts, two loops: a read, a write, four transactions
  CHECK(ask(servers->databases()[1].runtime_url, "SELECT current_user") == "stock_app");
  CHECK(ask(servers->databases()[0].owner_url, "SELECT current_user") == "shop_owner");
}

TEST_CASE("what is not asked for is not started") {
  const Place place;
  const auto servers = Embedded::start({.data_dir = place / "data", .postgres = false});
  CHECK(servers->databases().empty());
  CHECK_FALSE(servers->redis_url().empty());
  CHECK_FALSE(std::filesystem::exists(place / "data/postgres"));
}

TEST_CASE("a module that is new later gets its database in the same server") {
  const Place place;
  { const auto first = Embedded::start(in(place / "data")); }
  EmbeddedOptions more = in(place / "data");
  more.modules = {"shop", "stock"};
  const auto servers = Embedded::start(more);
  REQUIRE(servers->databases().size() == 2);
  CHECK(ask(servers->databases()[1].runtime_url, "SELECT current_user") == "stock_app");
  CHECK(
      contains(ask(servers->databases()[0].runtime_url + " dbname=stock", "SELECT 1"), "refused"));
}

TEST_CASE("a second host on the same data is refused at once, and told whose it is") {
  const Place place;
  Forked first([&] { return use(place / "data"); });
  REQUIRE(first.said() == "rows 1\n");
  const auto began = std::chrono::steady_clock::now();
  CHECK_THROWS_WITH_AS(
      Embedded::start(in(place / "data")),
      doctest::Contains(("another host (pid " + std::to_string(first.pid()) + ")").c_str()),
      std::runtime_error);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(2));
}

TEST_CASE("a host that is killed takes its servers along, and the next start has its rows") {
  const Place place;
  for (int round = 1; round <= 3; ++round) {
    CAPTURE(round);
    Forked host([&] { return use(place / "data"); });
    REQUIRE(host.said() == "rows " + std::to_string(round) + "\n");
    const std::vector<pid_t> servers = descendants(host.pid());
    CHECK(servers.size() >= 3);  // PostgreSQL with its helpers, Redis
    host.kill_now();
    // The second time the next host starts at once, while the old servers may still be ending.
    if (round != 2) CHECK(all_end(servers, std::chrono::seconds(20)));
  }
}

TEST_CASE("a postmaster that outlived its host is ended by the next start") {
  const Place place;
  Forked host([&] { return use(place / "data"); });
  REQUIRE(host.said() == "rows 1\n");
  const std::vector<pid_t> servers = descendants(host.pid());
  pid_t postmaster = 0;
  std::ifstream(place / "data/postgres/postmaster.pid") >> postmaster;
  REQUIRE(std::count(servers.begin(), servers.end(), postmaster) == 1);
  kill(postmaster, SIGSTOP);  // so that it does not hear of its host's death
  host.kill_now();
  const auto again = Embedded::start(in(place / "data"));
  CHECK(ask(again->databases()[0].owner_url, "SELECT count(*) FROM t") == "1");
  CHECK(all_end(servers, std::chrono::seconds(5)));
}

TEST_CASE("a data directory that cannot be written is named, with the way out") {
  CHECK_THROWS_WITH_AS(Embedded::start(in("/proc/cleave")), doctest::Contains("--data-dir"),
                       std::runtime_error);
}

TEST_CASE("a host that is no root runs the servers as itself") {
  if (geteuid() != 0) return;  // then every other case has shown it
  const passwd* nobody = getpwnam("nobody");
  REQUIRE(nobody != nullptr);
  const Place place;
  REQUIRE(chown(place.path().c_str(), nobody->pw_uid, nobody->pw_gid) == 0);
  for (int round = 1; round <= 2; ++round) {
    Forked host([&]() -> std::string {
      if (setgroups(0, nullptr) != 0 || setgid(nobody->pw_gid) != 0 ||
          setuid(nobody->pw_uid) != 0) {
        return "cannot become nobody";
      }
      return use(place / "data");
    });
    CHECK(host.said() == "rows " + std::to_string(round) + "\n");
    const std::vector<pid_t> servers = descendants(host.pid());
    CHECK(servers.size() >= 3);
    host.kill_now();
    CHECK(all_end(servers, std::chrono::seconds(20)));
  }
}

}  // namespace cleave::test
