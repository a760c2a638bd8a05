#include "loader/order.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace cleave::loader {
namespace {

using Waiting = std::map<std::string, Library>;  // those not yet placed; the map keeps ties stable

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<std::string> first_waited_for(const Library& library, const Waiting& waiting) {
  for (const std::string& name : library.depends_on()) {
    if (waiting.contains(name)) return name;
  }
  return std::nullopt;
}

/// Every module of `waiting` waits for another one there, so following them must come back.
std::vector<std::string> find_cycle(const Waiting& waiting) {
  std::vector<std::string> way;
  std::string at = waiting.begin()->first;
  while (!contains(way, at)) {
    way.push_back(at);
    at = *first_waited_for(waiting.at(at), waiting);
  }
  way.erase(way.begin(), std::find(way.begin(), way.end(), at));
  std::rotate(way.begin(), std::min_element(way.begin(), way.end()), way.end());
  return way;
}

std::string draw(const std::vector<std::string>& cycle) {
  std::string text;
  for (const std::string& name : cycle) text += name + " -> ";
  return text + cycle.front();
}

void refuse_unknown(const Waiting& waiting, const std::vector<std::string>& elsewhere,
                    std::vector<Refusal>& refusals) {
  for (const auto& [name, library] : waiting) {
    for (const std::string& wanted : library.depends_on()) {
      if (waiting.contains(wanted) || contains(elsewhere, wanted)) continue;
      refusals.push_back({name, "depends_on", "modules that are here or have a URL", wanted,
                          "load " + wanted + " too, or say where it lives"});
    }
  }
}

}  // namespace

void sort_by_dependencies(std::vector<Library>& libraries,
                          const std::vector<std::string>& elsewhere,
                          std::vector<Refusal>& refusals) {
  Waiting waiting;
  for (Library& library : libraries) waiting.emplace(library.name(), std::move(library));
  libraries.clear();
  refuse_unknown(waiting, elsewhere, refusals);
  while (!waiting.empty()) {
    const auto free = std::find_if(waiting.begin(), waiting.end(), [&](const auto& entry) {
      return !first_waited_for(entry.second, waiting);
    });
    if (free != waiting.end()) {
      libraries.push_back(std::move(free->second));
      waiting.erase(free);
      continue;
    }
    const std::vector<std::string> cycle = find_cycle(waiting);
    refusals.push_back({cycle.front(), "depends_on", "no cycle", draw(cycle),
                        "remove one of these edges, or move what both need to a module below"});
    // One of them is taken out, so that another, separate cycle is told as well.
    libraries.push_back(std::move(waiting.at(cycle.front())));
    waiting.erase(cycle.front());
  }
}

}  // namespace cleave::loader
