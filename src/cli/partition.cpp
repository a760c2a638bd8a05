#include "cli/partition.hpp"

#include <algorithm>
#include <map>

#include "cli/did_you_mean.hpp"
#include "cli/join.hpp"

namespace cleave::cli {
namespace {

std::vector<std::string_view> split(std::string_view text, char between) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(between);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// The place of each module in the order of dependencies.
using Ranks = std::map<std::string, std::size_t, std::less<>>;

[[noreturn]] void refuse_unknown(std::string_view name, const std::vector<std::string>& all) {
  throw BadPartition("the partition names " + std::string(name) + ", which is no module here" +
                     did_you_mean(name, all) + (all.empty() ? "" : "; there is ") +
                     join(all, ", "));
}

/// With who would miss it, if somebody would.
[[noreturn]] void refuse_left_out(const loader::Library& module,
                                  const std::vector<loader::Library>& modules) {
  const std::string name(module.name());
  std::vector<std::string> dependants;
  for (const loader::Library& other : modules) {
    const std::vector<std::string> needed = other.depends_on();
    if (std::find(needed.begin(), needed.end(), name) != needed.end()) {
      dependants.emplace_back(other.name());
    }
  }
  throw BadPartition("the partition leaves out " + name +
                     (dependants.empty() ? "" : ", on which depends " + join(dependants, ", ")) +
                     "; add it to a group, or as a group of its own: \"…," + name + "\"");
}

void sort(std::vector<Group>& groups, const Ranks& ranks) {
  const auto rank = [&](const std::string& name) { return ranks.at(name); };
  for (Group& group : groups) {
    std::sort(group.modules.begin(), group.modules.end(),
              [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  }
  std::sort(groups.begin(), groups.end(), [&](const Group& a, const Group& b) {
    return rank(a.modules.back()) < rank(b.modules.back());
  });
}

}  // namespace

std::string Group::name() const {
  return join(modules, "+");
}

std::vector<Group> parse_partition(std::string_view text,
                                   const std::vector<loader::Library>& modules) {
  std::vector<std::string> all;
  for (const loader::Library& module : modules) all.emplace_back(module.name());
  if (text == "fused") return {{all}};
  std::vector<Group> groups;
  if (text == "split") {
    for (const std::string& name : all) groups.push_back({{name}});
    return groups;
  }
  Ranks ranks;
  for (const std::string& name : all) ranks.emplace(name, ranks.size());
  Ranks seen;
  for (const std::string_view part : split(text, ',')) {
    Group& group = groups.emplace_back();
    for (const std::string_view name : split(part, '+')) {
      if (name.empty()) {
        throw BadPartition("the partition \"" + std::string(text) +
                           "\" has an empty group or name; write for example fused, split, or " +
                           "groups with \"+\" inside and \",\" between");
      }
      if (!ranks.contains(name)) refuse_unknown(name, all);
      if (!seen.emplace(name, 0).second) {
        throw BadPartition("the partition names " + std::string(name) +
                           " twice; each module runs in one group");
      }
      group.modules.emplace_back(name);
    }
  }
  for (const loader::Library& module : modules) {
    if (!seen.contains(module.name())) refuse_left_out(module, modules);
  }
  sort(groups, ranks);
  return groups;
}

}  // namespace cleave::cli
