// cleave call: one request through the router, without a listener. Made for a debugger: the whole
// way of a request happens in one process, and its deadline is an hour.
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/system.hpp"

namespace cleave::cli {
namespace {

struct Answer {
  Response response;
  std::string tree, timing;
};

std::vector<cleave_header> parse_headers(const std::vector<std::string>& lines) {
  std::vector<cleave_header> headers;
  for (const std::string_view line : lines) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      throw Failure(kUsage, "a header is written as \"Name: value\"");
    }
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    headers.push_back({raw(line.substr(0, colon)), raw(value)});
  }
  return headers;
}

Answer ask(host::Application& application, const CallArguments& arguments, io::Millis time) {
  std::vector<cleave_header> headers = parse_headers(arguments.headers);
  if (!arguments.body.empty()) headers.push_back({raw("Content-Type"), raw("application/json")});
  const std::string_view target = arguments.path;
  const std::size_t mark = target.find('?');
  const Request request{
      .method = arguments.method,
      .path = target.substr(0, mark),
      .query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1),
      .body = arguments.body,
      .headers = headers};
  router::RequestScope scope;
  scope.set_id({});
  scope.trace = observe::TraceContext::make();
  scope.deadline = io::Clock::now() + time;
  Answer answer;
  application.router().dispatch_path(request, scope, answer.response);
  answer.tree = scope.timeline.tree();
  return answer;
}

}  // namespace

int call(Options& options, const CallArguments& arguments) {
  if (!arguments.path.starts_with('/')) {
    throw Failure(kUsage, "the path begins with '/': cleave call GET /users/1");
  }
  // Whoever steps through a handler must not run into a deadline; a given one is kept.
  io::Millis time = options.settings.limits.request_time;
  if (time == http::Limits{}.request_time) time = std::chrono::hours(1);
  System system(options);
  system.start();
  Answer answer;
  system.threads().run_on(0, [&] { answer = ask(system.application(), arguments, time); });
  std::printf("HTTP %d\n", answer.response.status);
  for (const Header& header : answer.response.headers) {
    std::printf("%s: %s\n", header.name.c_str(), header.value.c_str());
  }
  std::printf("\n%s\n\n%s", answer.response.body.c_str(), answer.tree.c_str());
  std::fflush(stdout);
  system.stop();
  return answer.response.status < 400 ? kOk : kFailed;
}

}  // namespace cleave::cli
