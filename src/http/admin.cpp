#include "http/admin.hpp"

#include <utility>

#include "cleave/json.hpp"
#include "cleave/problem.hpp"
#include "http/secret.hpp"

namespace cleave::http {
namespace {

constexpr std::string_view kAllow = "GET, HEAD, OPTIONS";

/// False: the method was no GET, and `response` says so.
bool only_get(const Request& request, Response& response) {
  if (request.method == "GET") return true;
  if (request.method == "OPTIONS") {
    response.status = 204;
    response.set("Allow", kAllow);
    return false;
  }
  throw Problem(405, "method-not-allowed", "This method is not served here.").with("Allow", kAllow);
}

void live(const Request& request, Response& response) {
  if (!only_get(request, response)) return;
  response = json_response(200, R"({"status":"ok"})");
  response.set("Cache-Control", "no-store");
}

void ready(const Request& request, const NotReady& not_ready, bool with_reasons,
           Response& response) {
  if (!only_get(request, response)) return;
  const std::vector<std::string> reasons = not_ready();
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("status").text(reasons.empty() ? "ok" : "not-ready");
  if (with_reasons && !reasons.empty()) {
    json.key("reasons").begin_array();
    for (const std::string& reason : reasons) json.text(reason);
    json.end_array();
  }
  json.end_object();
  response = json_response(reasons.empty() ? 200 : 503, std::move(body));
  response.set("Cache-Control", "no-store");
}

void authorize(const Request& request, const std::string& token) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view given = request.header("Authorization");
  if (token.empty()) return;
  if (given.size() > kScheme.size() && iequals(given.substr(0, kScheme.size()), kScheme) &&
      same_secret(given.substr(kScheme.size()), token)) {
    return;
  }
  throw Problem(401, "unauthorized", "The admin token is needed.")
      .with("WWW-Authenticate", "Bearer");
}

}  // namespace

Handler with_health(Handler handler, NotReady not_ready) {
  return [handler = std::move(handler), not_ready = std::move(not_ready)](
             const Request& request, router::RequestScope& scope, Response& response) {
    if (request.path == "/livez") return live(request, response);
    if (request.path == "/readyz") return ready(request, not_ready, false, response);
    handler(request, scope, response);
  };
}

Handler admin_handler(AdminOptions options) {
  return [options = std::move(options)](const Request& request, router::RequestScope& scope,
                                        Response& response) {
    if (request.path == "/livez") return live(request, response);
    authorize(request, options.token);
    if (request.path == "/readyz") return ready(request, options.not_ready, true, response);
    if (options.placement && request.path.starts_with("/placement")) {
      return options.placement(request, scope, response);
    }
    if (request.path != "/metrics") {
      throw Problem(404, "not-found", "Nothing is served at this path.");
    }
    if (!only_get(request, response)) return;
    response.body = options.metrics();
    response.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  };
}

}  // namespace cleave::http
