#include "http/internal.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "cleave/problem.hpp"
#include "http/batch_wire.hpp"
#include "http/internal_batch.hpp"
#include "http/internal_wire.hpp"
#include "http/secret.hpp"
#include "observe/log.hpp"

namespace cleave::http {
namespace {

/// What only the hop between hosts is about: a call inside one process has none of it.
bool is_of_the_hop(std::string_view name) noexcept {
  return is_internal(name) || iequals(name, "Host") || iequals(name, "traceparent") ||
         iequals(name, "X-Request-Id") || iequals(name, "Content-Length");
}

template <class Drop>
std::vector<cleave_header> without(std::span<const cleave_header> headers, Drop drop) {
  std::vector<cleave_header> kept;
  kept.reserve(headers.size());
  for (const cleave_header& one : headers) {
    if (!drop(view(one.name))) kept.push_back(one);
  }
  return kept;
}

std::uint8_t depth_in(const Request& request) noexcept {
  const std::string_view text = request.header(kDepthHeader);
  std::uint8_t depth = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), depth);
  const bool read = error == std::errc() && end == text.data() + text.size();
  return read ? std::min(depth, router::Router::kDeepest) : 0;
}

class Internal {
 public:
  explicit Internal(InternalOptions options) : options_(std::move(options)) {}

  bool takes(std::string_view path) const noexcept {
    return !options_.token.empty() && path.starts_with(kInternalPath);
  }

  void answer(const Request& request, router::RequestScope& scope, Response& response) const {
    authorize(request);
    const std::string_view rest = request.path.substr(kInternalPath.size());
    const std::string_view module = rest.substr(0, rest.find('/'));
    if (std::find(options_.modules.begin(), options_.modules.end(), module) ==
        options_.modules.end()) {
      throw Problem(404, "not-found", "This module does not run here.");
    }
    if (rest.size() == module.size() && request.header("Content-Type") == kBatchType) {
      const Handler each = [this](const Request& one, router::RequestScope& its, Response& to) {
        answer(one, its, to);
      };
      answer_batch(request, scope, each, response);
      response.set(kModuleHeader, module);
      return;
    }
    const router::Target* const caller = caller_of(request, module);
    if (rest.size() > module.size()) {
      call(module, caller, rest.substr(module.size()), request, scope, response);
    } else if (request.query != kIdentityQuery) {
      response.status = 204;
    } else if (options_.identity) {
      response = to_response(options_.identity(module));
    } else {
      throw Problem(404, "not-found", "Nothing is served at this path.");
    }
    std::erase_if(response.headers, [](const Header& one) { return is_internal(one.name); });
    response.set(kModuleHeader, module);
  }

 private:
  void authorize(const Request& request) const {
    if (same_secret(request.header(kTokenHeader), options_.token)) return;
    throw Problem(401, "service-token", "The service token is needed.")
        .with("WWW-Authenticate", "X-Cleave-Service-Token");
  }

  /// Null: a client outside.
  const router::Target* caller_of(const Request& request, std::string_view module) const {
    const std::string_view name = request.header(kCallerHeader);
    const bool allowed = options_.only_caller.empty() || name == options_.only_caller;
    if (allowed && name == kOutside) return nullptr;
    const router::Target* const caller = options_.router->find(name);
    if (allowed && caller != nullptr &&
        std::find(caller->depends_on.begin(), caller->depends_on.end(), module) !=
            caller->depends_on.end()) {
      return caller;
    }
    log::error("http", "refused a call from another host: the edge is not declared",
               {{"caller", std::string(name)}, {"callee", std::string(module)}});
    throw Problem(403, "undeclared-dependency", "A service asked one that it does not declare.");
  }

  void call(std::string_view module, const router::Target* caller, std::string_view path,
            const Request& request, router::RequestScope& scope, Response& response) const {
    const std::vector<cleave_header> headers = end_to_end(request.headers);
    Request inner = request;
    inner.path = path;
    inner.headers = headers;
    router::Router& router = *options_.router;
    router::Target& target = *router.find(module);
    const router::Endpoint* const endpoint = target.endpoint.load(std::memory_order_acquire);
    const bool passed_on = endpoint != nullptr && endpoint->passes_on();
    // The caller's router has counted this hop already; one more to the next host is a new one.
    const auto depth = static_cast<std::uint8_t>(depth_in(request) + (passed_on ? 1 : 0));
    router::CallContext context{.scope = scope, .request = &inner};
    if (caller == nullptr) {
      if (path.substr(0, path.find('/', 1)) != target.path || target.path.empty()) {
        throw Problem(404, "not-found", "Nothing is served at this path.");
      }
      context.target = &target;
      context.depth = depth;
      router.forward(target, inner, context, response);
      return;
    }
    context.target = caller;
    context.depth = static_cast<std::uint8_t>(depth > 0 ? depth - 1 : 0);  // dispatch() adds one
    router.dispatch(module, inner, context, response);
  }

  InternalOptions options_;
};

}  // namespace

std::vector<cleave_header> end_to_end(std::span<const cleave_header> headers) {
  return without(headers, is_of_the_hop);
}

Handler with_internal(Handler handler, InternalOptions options) {
  return [handler = std::move(handler), internal = Internal(std::move(options))](
             const Request& request, router::RequestScope& scope, Response& response) {
    if (internal.takes(request.path)) return internal.answer(request, scope, response);
    const auto ours = [](const cleave_header& one) { return is_internal(view(one.name)); };
    if (std::none_of(request.headers.begin(), request.headers.end(), ours)) [[likely]] {
      return handler(request, scope, response);
    }
    const std::vector<cleave_header> headers = without(request.headers, is_internal);
    Request cleaned = request;
    cleaned.headers = headers;
    handler(cleaned, scope, response);
  };
}

}  // namespace cleave::http
