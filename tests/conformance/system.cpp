#include "conformance/system.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "support/host_process.hpp"

namespace cleave::test {
namespace {

class System {
 public:
  System() {
    const char* given = std::getenv("CLEAVE_TEST_URL");
    if (given != nullptr && *given != '\0') {
      url_ = given;
      return;
    }
    host_ = std::make_unique<HostProcess>(run_arguments(directory_ / "data"));
    if (!host_->wait_until_serving()) throw std::runtime_error("there is no system to test");
    url_ = host_->address();
  }
  ~System() {
    if (!host_) return;
    host_->signal(SIGTERM);
    const std::optional<int> code = host_->wait();
    if (code == 0) return;
    std::fprintf(stderr, "the host ended with %d; its log:\n%s\n", code.value_or(-1),
                 host_->err().c_str());
    host_.reset();
    std::_Exit(1);  // doctest has given its verdict already
  }
  const std::string& url() const { return url_; }
  const HostProcess* host() const { return host_.get(); }

 private:
  OpenTempDir directory_;
  std::unique_ptr<HostProcess> host_;
  std::string url_;
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

const std::string& system_url() {
  return the_system().url();
}

std::optional<std::string> admin_url() {
  const HostProcess* host = the_system().host();
  return host != nullptr ? std::optional(host->admin()) : std::nullopt;
}

std::optional<std::string> system_log() {
  const HostProcess* host = the_system().host();
  return host != nullptr ? std::optional(host->err()) : std::nullopt;
}

HttpAnswer ask(std::string_view method, std::string_view path, std::string_view body,
               const Headers& headers) {
  return ask_at(system_url(), method, path, body, headers);
}

HttpAnswer ask_raw(std::string_view bytes, std::string_view method) {
  return ask_raw_at(system_url(), bytes, method);
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
  CHECK(ask("GET", "/livez").status == 200);
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
