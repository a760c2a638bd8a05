#include "differential/traffic.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace cleave::test {
namespace {

using Json = nlohmann::json;

/// "{a*9}" -> "aaaaaaaaa".
std::string expand(std::string text) {
  for (std::size_t at = 0; (at = text.find('{', at)) != std::string::npos; ++at) {
    const std::size_t end = text.find('}', at);
    if (end == std::string::npos || at + 3 >= end || text[at + 2] != '*') continue;
    const std::string times = text.substr(at + 3, end - at - 3);
    if (times.find_first_not_of("0123456789") != std::string::npos) continue;
    text.replace(at, end - at + 1, std::string(std::stoul(times), text[at + 1]));
  }
  return text;
}

void take(Step& step, const std::string& key, const Json& value) {
  if (key == "say") {
    step.say = value;
  } else if (key == "status") {
    step.status = value;
  } else if (key == "direct") {
    step.direct = value;
  } else if (key == "door") {
    step.door = value;
  } else if (key == "body") {
    step.body = expand(value.is_string() ? value.get<std::string>() : value.dump());
  } else if (key == "headers") {
    for (const auto& [name, text] : value.items()) step.headers.emplace_back(name, expand(text));
  } else if (key == "raw") {
    step.raw = expand(value);
    step.method = step.raw.substr(0, step.raw.find(' '));
    const std::size_t path = step.raw.find(' ') + 1;
    step.path = step.raw.substr(path, step.raw.find_first_of(" \r\n", path) - path);
  } else {
    step.method = key;
    step.path = expand(value);
  }
}

}  // namespace

std::vector<Step> read_traffic(const std::string& file) {
  std::ifstream in(file);
  std::vector<Step> steps;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) continue;
    try {
      Step step{.line = number};
      const Json fields = Json::parse(line);
      for (const auto& [key, value] : fields.items()) take(step, key, value);
      if (step.method.empty() || step.say.empty() || step.status == 0) {
        throw std::runtime_error("a line needs a method, \"say\" and \"status\"");
      }
      steps.push_back(std::move(step));
    } catch (const std::exception& error) {
      throw std::runtime_error(file + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  return steps;
}

}  // namespace cleave::test
