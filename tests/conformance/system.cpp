#include "conformance/system.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "conformance/placement.hpp"
#include "up/running.hpp"

namespace cleave::test {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

class System {
 public:
  System() : given_(variable("CLEAVE_TEST_URL")) {
    if (!given_.empty()) return;
    try {
      const std::string partition = variable("CLEAVE_TEST_UP");
      if (partition.empty()) {
        placement_ = Placement::start(variable("CLEAVE_TEST_PLACEMENT"));
      } else {
        start_up(partition);
      }
    } catch (const std::runtime_error& error) {  // each case would try again, in vain
      std::fprintf(stderr, "there is no system to test: %s\n", error.what());
      std::_Exit(1);
    }
  }
  ~System() {
    if (up_ && !up_->stops(SIGTERM)) std::_Exit(1);
    if (!placement_ || placement_->stop()) return;
    placement_.reset();
    std::_Exit(1);  // doctest has given its verdict already
  }
  /// What a gateway would choose for a path: by its first segment, "/users/7" -> user.
  std::string url(std::string_view path) const {
    if (!placement_) return given_;
    for (const std::string module : {"product", "order"}) {
      if (path.starts_with("/" + module + "s")) return placement_->host_of(module).address();
    }
    return placement_->host_of("user").address();
  }
  Placement* placement() const { return placement_.get(); }

 private:
  void start_up(const std::string& partition) {
    up_ = std::make_unique<Running>(partition, directory_ / "data");
    if (!up_->wait_until_serving()) throw std::runtime_error("cleave up does not serve");
    given_ = up_->front();
  }

  OpenTempDir directory_;
  std::unique_ptr<Running> up_;
  std::string given_;
  std::unique_ptr<Placement> placement_;
};

const System& the_system() {
  static const System system;
  return system;
}

Json make(const char* path, const Json& body) {
  const HttpAnswer answer = ask("POST", path, body.dump());
  INFO(path, " answered ", answer.status, " ", answer.body);
  REQUIRE(answer.status == 201);
  return Json::parse(answer.body);
}

}  // namespace

std::string system_url(std::string_view path) {
  return the_system().url(path);
}

Placement* placement() {
  return the_system().placement();
}

bool is_split() {
  return placement() != nullptr && variable("CLEAVE_TEST_PLACEMENT") == "split";
}

std::optional<std::string> admin_url() {
  if (placement() == nullptr) return std::nullopt;
  return placement()->host_of("order").admin();
}

std::optional<std::string> system_log() {
  return placement() != nullptr ? std::optional(placement()->log()) : std::nullopt;
}

HttpAnswer ask(std::string_view method, std::string_view path, std::string_view body,
               const Headers& headers) {
  return ask_at(system_url(path), method, path, body, headers);
}

HttpAnswer ask_raw(std::string_view bytes, std::string_view method) {
  const std::size_t space = bytes.find(' ');
  const std::string_view path = space == std::string_view::npos ? "" : bytes.substr(space + 1);
  return ask_raw_at(system_url(path), bytes, method);
}

std::string unique(std::string_view prefix) {
  static std::atomic<unsigned> number{0};
  static const auto run = std::chrono::system_clock::now().time_since_epoch().count();
  return std::string(prefix) + "-" + std::to_string(run) + "-" + std::to_string(getpid()) + "-" +
         std::to_string(++number);
}

std::string unique_email() {
  return unique("mail") + "@example.org";
}

Json make_user() {
  return make("/users", {{"name", "Ada"}, {"email", unique_email()}});
}

Json make_product(std::int64_t price_cents) {
  return make("/products", {{"name", unique("lamp")}, {"price_cents", price_cents}});
}

Json make_order(std::int64_t quantity) {
  return make("/orders", {{"user_id", make_user()["id"]},
                          {"product_id", make_product()["id"]},
                          {"quantity", quantity}});
}

std::string path_of(std::string_view collection, const Json& row) {
  return std::string(collection) + "/" + row.at("id").dump();
}

Json walk(std::string path) {
  Json all = Json::array();
  while (!path.empty()) {
    const HttpAnswer answer = ask("GET", path);
    INFO(path, " answered ", answer.status, " ", answer.body);
    REQUIRE(answer.status == 200);
    for (const Json& row : Json::parse(answer.body)) all.push_back(row);
    const std::string link = answer.header("Link");
    if (link.empty()) break;
    REQUIRE(link.starts_with('<'));
    REQUIRE(link.ends_with(">; rel=\"next\""));
    path = link.substr(1, link.find('>') - 1);
  }
  return all;
}

void check_alive() {
  CHECK(ask("GET", "/users?limit=1").status == 200);  // a gateway hides /livez
}

void check_problem(const HttpAnswer& answer, int status, std::string_view slug) {
  INFO("answer: ", answer.body);
  CHECK(answer.status == status);
  CHECK(answer.header("Content-Type") == "application/problem+json");
  CHECK(answer.header("Cache-Control") == "no-store");
  const Json body = Json::parse(answer.body, nullptr, false);
  REQUIRE(body.is_object());
  CHECK(body.value("type", "") == "/problems/" + std::string(slug));
  CHECK(body.value("status", 0) == status);
  CHECK(body.value("title", "") != "");
  const std::string id = answer.header("X-Request-Id");
  CHECK(id != "");
  CHECK(body.value("instance", "").ends_with(":" + id));
}

void check_refused(const HttpAnswer& answer, int status, std::string_view slug) {
  check_problem(answer, status, slug);
  CHECK(answer.header("Connection") == "close");
  CHECK(answer.closed);
  CHECK(answer.excess == "");
}

void check_error(const HttpAnswer& answer, std::string_view pointer, std::string_view code) {
  INFO("answer: ", answer.body);
  const Json errors = Json::parse(answer.body, nullptr, false).value("errors", Json::array());
  REQUIRE(errors.size() >= 1);
  CHECK(errors[0].value("pointer", "") == std::string(pointer));
  CHECK(errors[0].value("code", "") == std::string(code));
}

}  // namespace cleave::test
