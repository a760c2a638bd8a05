#include "up/running.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

namespace cleave::test {
namespace {

using Json = nlohmann::json;

HostProcess::Arguments arguments(const std::string& partition, const std::string& data,
                                 const HostProcess::Arguments& more) {
  HostProcess::Arguments all = run_arguments(data, {"--threads", "1"});
  all.front() = "up";
  all.insert(all.begin() + 1, partition);
  auto from = more.begin();
  if (more.size() > 1 && more.front() == "--listen") {
    all[3] = more[1];  // a flag may be given once
    if (more[1].empty()) all.erase(all.begin() + 2, all.begin() + 4);
    from += 2;
  }
  all.insert(all.end(), from, more.end());
  return all;
}

/// The lines of "up" itself, which belong to no process's output.
std::vector<Json> own_lines(const std::string& log) {
  std::vector<Json> lines;
  std::istringstream in(log);
  for (std::string line; std::getline(in, line);) {
    Json json = Json::parse(line, nullptr, false);
    if (json.is_object() && json.value("component", "") == "up") lines.push_back(std::move(json));
  }
  return lines;
}

}  // namespace

Running::Running(const std::string& partition, const std::string& data, const Arguments& more,
                 const HostProcess::Environment& environment)
    : process(arguments(partition, data, more), environment) {}

bool Running::wait_until_serving() {
  for (int i = 0; i < 6000 && !process.wait(HostProcess::Millis(0)); ++i) {
    for (const Json& line : own_lines(process.err())) front_ = line.value("front", front_);
    if (!front_.empty()) return true;
    std::this_thread::sleep_for(HostProcess::Millis(10));
  }
  std::fprintf(stderr, "the system does not serve; its log:\n%s\n", process.err().c_str());
  return false;
}

std::vector<std::string> Running::names() const {
  std::vector<std::string> names;
  for (const Json& line : own_lines(process.err())) {
    if (line.value("message", "") == "ready") names.push_back(line.at("process"));
  }
  return names;
}

pid_t Running::pid(const std::string& name) const {
  pid_t newest = -1;
  for (const Json& line : own_lines(process.err())) {
    const std::string message = line.value("message", "");
    if (line.value("process", "") != name) continue;
    if (message == "ready" || message == "started again") newest = std::stoi(line.value("pid", ""));
  }
  return newest;
}

void Running::signal(const std::string& name, int number) const {
  const pid_t target = pid(name);
  REQUIRE(target > 0);
  kill(target, number);
}

bool Running::stops(int signal) {
  const std::vector<pid_t> all = descendants(process.pid());
  process.signal(signal);
  const auto code = process.wait();
  const std::string sockets =
      "/tmp/cleave-" + std::to_string(geteuid()) + "-host-" + std::to_string(process.pid());
  if (code == 0 && all_end(all) && !std::filesystem::exists(sockets)) return true;
  std::fprintf(stderr, "ended with %d; its log:\n%s\n", code.value_or(-1), process.err().c_str());
  return false;
}

int Running::status(std::string_view method, std::string_view path, std::string_view body) const {
  try {
    return ask_at(front_, method, path, body).status;
  } catch (const std::runtime_error&) {
    return 0;
  }
}

bool Running::answers(std::string_view path) const {
  for (int i = 0; i < 500; ++i) {
    if (status("GET", path) == 200) return true;
    std::this_thread::sleep_for(HostProcess::Millis(20));
  }
  return false;
}

}  // namespace cleave::test
