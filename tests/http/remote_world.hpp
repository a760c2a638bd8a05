// A module "order" on a fiber that asks "user" through the router and a RemoteEndpoint.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/remote_endpoint.hpp"
#include "support/on_fiber.hpp"

namespace cleave::test {

struct Asked {
  Response response;
  io::Millis took{0};
  std::string timing;
};

class RemoteWorld {
 public:
  explicit RemoteWorld(const std::string& url, http::RemoteOptions options = {})
      : endpoint_(complete(std::move(options), url)) {
    order_ = &router_.add("order", "/orders", {"user"});
    router_.add("user", "", {}).endpoint = &endpoint_;
  }
  ~RemoteWorld() = default;

  /// On a fiber. `left` is what the request may still take.
  Asked ask(const Request& request, io::Millis left = io::Millis(2500)) {
    router::RequestScope scope;
    scope.set_id("request-1");
    scope.trace =
        observe::TraceContext::from("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    scope.deadline = io::Clock::now() + left;
    const Request outer{.method = "POST", .path = "/orders"};
    router::CallContext context{.scope = scope, .target = order_, .request = &outer};
    Asked asked;
    const io::TimePoint start = io::Clock::now();
    router_.dispatch("user", request, context, asked.response);
    asked.took = std::chrono::duration_cast<io::Millis>(io::Clock::now() - start);
    asked.timing = scope.timeline.server_timing();
    return asked;
  }
  Asked get(io::Millis left = io::Millis(2500)) {
    return ask({.method = "GET", .path = "/users/1"}, left);
  }
  /// For what is about single calls: it goes into no batch.
  Asked post(io::Millis left = io::Millis(2500)) {
    return ask({.method = "POST", .path = "/users", .body = "{}"}, left);
  }
  /// Runs `body` on a fiber of a loop, and ends the connections there.
  void run(const std::function<void()>& body) {
    on_fiber([&] {
      body();
      endpoint_.close();
    });
  }
  http::RemoteEndpoint& endpoint() { return endpoint_; }

 private:
  static http::RemoteOptions complete(http::RemoteOptions options, const std::string& url) {
    options.module = "user";
    options.url = url;
    options.token = "secret";
    return options;
  }
  router::Router router_;
  http::RemoteEndpoint endpoint_;
  const router::Target* order_;
};

/// One call, on a loop of its own.
inline Asked ask_once(const std::string& url, io::Millis left = io::Millis(2500),
                      http::RemoteOptions options = {}) {
  RemoteWorld world(url, std::move(options));
  Asked asked;
  world.run([&] { asked = world.get(left); });
  return asked;
}

inline bool has_slug(const Response& response, std::string_view slug) {
  return response.body.find("\"/problems/" + std::string(slug) + "\"") != std::string::npos;
}

}  // namespace cleave::test
