// cleave move MODULE TO, cleave reload MODULE: the work is done by the host, over its admin
// listener.
#include "cli/move.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "http/admin_client.hpp"

namespace cleave::cli {
namespace {

using Json = nlohmann::json;

http::AdminRequest request_for(const Options& options, const ChangeArguments& arguments) {
  http::AdminRequest request;
  request.listen = arguments.admin.empty() ? options.settings.admin_listen : arguments.admin;
  request.token = options.settings.admin_token;
  request.path = "/placement/" + arguments.module;
  if (arguments.to.empty()) {
    request.method = "POST";
    request.path += "/reload";
  } else {
    request.method = "PUT";
    request.body = Json{{"to", arguments.to}}.dump();
  }
  return request;
}

std::string reason_in(const http::ProbeAnswer& answer) {
  const Json problem = Json::parse(answer.body, nullptr, false);
  const std::string title = problem.is_object() ? problem.value("title", "") : "";
  return title.empty() ? "the admin listener answered " + std::to_string(answer.status) : title;
}

}  // namespace

int change_placement(Options& options, const ChangeArguments& arguments) {
  const http::AdminRequest request = request_for(options, arguments);
  const http::ProbeAnswer answer = http::ask_admin(request);
  if (answer.status == 0) {
    throw Failure(kUnavailable, "nobody answers at the admin listener " + request.listen +
                                    "; name the host's own with --admin");
  }
  if (answer.status == 401) {
    throw Failure(kConfig, "the host demands its admin token; give CLEAVE_ADMIN_TOKEN[_FILE]");
  }
  if (answer.status != 200) throw Failure(kFailed, reason_in(answer));
  const Json done = Json::parse(answer.body);
  const auto calls = done.at("in_flight").get<long long>();
  const std::string inside = calls >= 0
                                 ? std::to_string(calls) + " calls in flight finished"
                                 : "some calls had not finished; they go on in the old instance";
  std::printf("%s: %s -> %s, %s, %lld ms\n", arguments.module.c_str(),
              done.at("from").get<std::string>().c_str(), done.at("to").get<std::string>().c_str(),
              inside.c_str(), done.at("ms").get<long long>());
  return kOk;
}

}  // namespace cleave::cli
