// A host with internal routes, whose modules say what they were asked.
#pragma once

#include <memory>
#include <string>

#include "http/internal.hpp"
#include "world.hpp"

namespace cleave::test {

/// Says what it was asked, as a module would.
struct Mirror final : router::Endpoint {
  void call(const Request& request, router::CallContext& context, Response& response) override {
    response.body = "caller=" + std::string(context.caller) +
                    " depth=" + std::to_string(context.depth) + " " + std::string(request.method) +
                    " " + std::string(request.path) + "?" + std::string(request.query) + "\n";
    for (const cleave_header& header : request.headers) {
      response.body += std::string(view(header.name)) + ";";
    }
    response.body += more;
    ++calls;
    response.set("X-Cleave-Module", "forged").set("ETag", "\"1\"");
    if (request.path == "/users/401") response.status = 401;
  }
  bool ready() const noexcept override { return true; }
  std::string more;
  std::size_t calls = 0;
};

/// A host that runs user and product, and knows order by its manifest, which declares user only.
struct InternalHost {
  explicit InternalHost(const std::string& token) {
    router.add("user", "/users", {}).endpoint = &mirror;
    router.add("product", "/products", {}).endpoint = &mirror;
    router.add("order", "", {"user"}).endpoint = &mirror;  // elsewhere, with a URL
    http::Options options{.name = "test", .listen = "127.0.0.1:0", .limits = {}};
    options.handler = http::with_internal(
        [this](const Request& request, router::RequestScope& scope, Response& response) {
          router.dispatch_path(request, scope, response);
        },
        {&router, token, {"user", "product"}});
    server = std::make_unique<http::Server>(std::move(options), threads);
    server->start();
  }
  Answer ask(const std::string& path, const std::string& headers) {
    return Client(server->address())
        .send("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n")
        .answer();
  }
  Mirror mirror;
  router::Router router;
  io::Threads threads{1};
  std::unique_ptr<http::Server> server;
};

inline const std::string kToken = "X-Cleave-Service-Token: secret\r\n";
inline const std::string kOrder = "X-Cleave-Caller: order\r\n";

}  // namespace cleave::test
