// The module under test, asked through the one symbol that it exports, as the host does.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "cleave/message.hpp"
#include "cleave/module.hpp"
#include "support/fake_host.hpp"

extern "C" const cleave_module* cleave_module_v1();

namespace cleave::test {

class Served {
 public:
  Served() : module_(cleave_module_v1()), self_(module_->create(host.raw())) {
    REQUIRE(self_ != nullptr);
    REQUIRE(module_->start(self_) == 0);
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served() {
    module_->stop(self_);
    module_->destroy(self_);
    CHECK(host.rows_held == 0);
  }

  FakeHost host;

  bool background() { return module_->background(self_) == 0; }

  /// A target may have a query. A body goes out as application/json.
  Response ask(std::string_view method, std::string_view target, std::string_view body = {},
               std::initializer_list<Header> more = {}) {
    std::vector<cleave_header> headers;
    if (!body.empty()) headers.push_back({raw("Content-Type"), raw("application/json")});
    for (const Header& header : more) headers.push_back({raw(header.name), raw(header.value)});
    const std::size_t mark = std::min(target.find('?'), target.size());
    const cleave_request request{.size = sizeof request,
                                 .method = raw(method),
                                 .path = raw(target.substr(0, mark)),
                                 .query = raw(target.substr(std::min(mark + 1, target.size()))),
                                 .body = raw(body),
                                 .headers = headers.data(),
                                 .header_count = headers.size(),
                                 .request_id = raw("test-1"),
                                 .caller = {}};
    Response response;
    ResponseSink sink(response);
    const cleave_sink out = sink.raw();
    module_->handle(self_, &request, &out);
    CHECK(sink.answered());
    CHECK_FALSE(sink.answered_twice());
    return response;
  }

 private:
  const cleave_module* module_;
  void* self_;
};

/// "422 wrong-type /name=wrong-type": status, slug and errors of a problem; else only the status.
inline std::string told(const Response& response) {
  const auto between = [](std::string_view text, std::string_view from, std::size_t& at) {
    at = text.find(from, at);
    if (at == text.npos) return std::string();
    at += from.size();
    return std::string(text.substr(at, text.find('"', at) - at));
  };
  std::string text = std::to_string(response.status);
  if (response.header("Content-Type") != "application/problem+json") return text;
  std::size_t at = 0;
  text += " " + between(response.body, "\"/problems/", at);
  while (true) {
    const std::string pointer = between(response.body, "\"pointer\":\"", at);
    if (at == std::string::npos) return text;
    text += " " + pointer + "=" + between(response.body, "\"code\":\"", at);
  }
}

}  // namespace cleave::test
