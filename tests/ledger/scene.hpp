// A host with all modules, and what the cases need beside it: databases that outlive it, and more
// hosts that run order.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "differential/tables.hpp"
#include "ledger/load.hpp"
#include "supervise/embedded.hpp"
#include "support/host_process.hpp"
#include "support/http_client.hpp"

namespace cleave::test {

using Json = nlohmann::json;

/// One PostgreSQL and one Redis for the whole program.
class Scene {
 public:
  using Environment = HostProcess::Environment;
  static Scene& shared() {
    static Scene one;
    return one;
  }
  /// Token, Redis and the databases of these modules.
  Environment environment(const std::string& modules) const {
    Environment all{{"CLEAVE_MODULES", modules},
                    {"CLEAVE_SERVICE_TOKEN", "of-the-ledger"},
                    {"CLEAVE_REDIS_URL", servers_->redis_url()}};
    for (const supervise::ModuleDatabase& one : servers_->databases()) {
      if (modules.find(one.module) == std::string::npos) continue;
      all[key(one.module, "DATABASE_URL")] = one.runtime_url;
      all[key(one.module, "OWNER_DATABASE_URL")] = one.owner_url;
    }
    return all;
  }
  /// How many orders of each quantity a user has, as PostgreSQL itself says.
  Load::Stored orders_of(std::int64_t user) const {
    Load::Stored stored;
    for (const std::string& line : query(servers_->databases().back().owner_url,
                                         "SELECT quantity, count(*) FROM orders WHERE user_id = " +
                                             std::to_string(user) + " GROUP BY quantity")) {
      stored[std::stoll(line)] = std::stoull(line.substr(line.find('|') + 1));
    }
    return stored;
  }
  std::string url_of_other_database() const { return servers_->databases().front().runtime_url; }
  std::string operator/(const std::string& name) const { return directory_ / name; }

 private:
  static std::string key(const std::string& module, const std::string& what) {
    std::string name = "CLEAVE_" + module + "_" + what;
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    return name;
  }
  OpenTempDir directory_;
  std::unique_ptr<supervise::Embedded> servers_ = supervise::Embedded::start(
      {.data_dir = directory_ / "data", .modules = {"user", "product", "order"}});
};

/// A host that serves; it must end well.
class RunningHost {
 public:
  RunningHost(const Scene::Environment& environment, const std::string& listen,
              const HostProcess::Arguments& more = {})
      : process_(arguments(listen, more), environment) {
    REQUIRE(process_.wait_until_serving());
  }
  ~RunningHost() {
    process_.signal(SIGTERM);
    const bool well = process_.wait() == 0;
    INFO(process_.err());
    CHECK(well);
  }
  HostProcess& process() { return process_; }
  std::string address() const { return process_.address(); }
  HttpAnswer ask(const std::string& method, const std::string& path, const std::string& body = "") {
    return ask_at(process_.address(), method, path, body);
  }
  HttpAnswer move(const std::string& to, const std::string& module = "order") {
    return ask_at(process_.admin(), "PUT", "/placement/" + module, Json{{"to", to}}.dump());
  }
  HttpAnswer reload() { return ask_at(process_.admin(), "POST", "/placement/order/reload"); }
  Json placement_of(const std::string& module) {
    const Json list = Json::parse(ask_at(process_.admin(), "GET", "/placement").body);
    for (const Json& one : list) {
      if (one["module"] == module) return one;
    }
    return {};
  }
  pid_t process_of_order() {
    const Json order = placement_of("order");
    return order.contains("pid") ? order["pid"].get<pid_t>() : -1;
  }
  /// That orders may name, and nobody has ordered for yet.
  struct Rows {
    std::int64_t user, product;
  };
  Rows make_rows() {
    const std::string email =
        std::to_string(process_.pid()) + "." + std::to_string(++made_) + "@example.org";
    return {make("/users", {{"name", "Ada"}, {"email", email}}),
            make("/products", {{"name", "lamp"}, {"price_cents", 7}})};
  }

 private:
  std::int64_t make(const std::string& path, const Json& body) {
    const HttpAnswer answer = ask("POST", path, body.dump());
    INFO(answer.body);
    REQUIRE(answer.status == 201);
    return Json::parse(answer.body)["id"];
  }
  static HostProcess::Arguments arguments(const std::string& listen,
                                          const HostProcess::Arguments& more) {
    // Several loops, also on a small machine: what they share is a part of what is tested.
    HostProcess::Arguments all{
        "run",  "--listen",  listen, "--admin-listen", "127.0.0.1:0", "--log-format",
        "json", "--threads", "3"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  HostProcess process_;
  int made_ = 0;
};

/// Why a change was refused.
inline std::string reason(const HttpAnswer& answer) {
  return Json::parse(answer.body).value("title", "");
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// A directory with this order module, user and product.
inline std::string modules_with(const std::string& order, const std::string& name) {
  namespace fs = std::filesystem;
  const fs::path folder = Scene::shared() / name;
  fs::create_directories(folder);
  for (const std::string module : {"user.so", "product.so"}) {
    if (fs::exists(folder / module)) continue;
    fs::copy_file(fs::path(CLEAVE_TEST_MODULES) / module, folder / module);
  }
  // A new file, as a linker makes it: writing into the one that a process has mapped changes its
  // code under its feet.
  fs::remove(folder / "order.so");
  fs::copy_file(order, folder / "order.so");
  return folder;
}

/// After the load: nothing failed, and the table of orders has what was acknowledged, once.
inline void check_ledger(const Load& load, std::int64_t user) {
  for (const std::string& one : load.failed()) FAIL_CHECK(one);
  for (const std::string& one : load.differences(Scene::shared().orders_of(user))) FAIL_CHECK(one);
}

/// Runs order and asks `main` for user and product.
inline Scene::Environment order_beside(const RunningHost& main) {
  Scene::Environment environment = Scene::shared().environment("order");
  environment["CLEAVE_USER_URL"] = environment["CLEAVE_PRODUCT_URL"] = main.address();
  return environment;
}

}  // namespace cleave::test
