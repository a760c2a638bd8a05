// --wire-faithful and --net: calls inside the process behave as between hosts.
#include <set>
#include <stdexcept>

#include "cli/options.hpp"
#include "router/net_faults.hpp"

namespace cleave::cli {

void Options::add_net(CLI::App& command) {
  for (const char* name : {"wire-faithful", "net", "net-seed"}) {
    known_.push_back(environment_name(name));
  }
  const std::string group = "Network semantics in one process";
  command
      .add_flag("--wire-faithful", settings.wire_faithful,
                "Copy calls between modules here as a wire would, with its limits and errors")
      ->envname(environment_name("wire-faithful"))
      ->group(group);
  command
      .add_option("--net", settings.net,
                  "Faults for them: 'delay=5ms,jitter=2ms,loss=1%,dup=1%', for one edge "
                  "'order->user:loss=5%', for clients 'client->order:dup=1%'; may be given many "
                  "times, in the environment with spaces between")
      ->envname(environment_name("net"))
      ->delimiter(' ')
      ->allow_extra_args(false)  // else it would take the words of `call` too
      ->group(group);
  command
      .add_option("--net-seed", settings.net_seed, "Another number, other calls that meet a fault")
      ->envname(environment_name("net-seed"))
      ->capture_default_str()
      ->group(group);
}

std::vector<std::string> Options::net_mistakes() const {
  std::set<std::string> edges;
  for (const auto* libraries : {&loaded.libraries, &loaded.elsewhere}) {
    for (const loader::Library& library : *libraries) {
      const std::string name(library.name());
      for (const std::string& to : library.depends_on()) edges.insert(name + "->" + to);
      if (library.module->path != nullptr) {
        edges.insert(std::string(router::kClient) + "->" + name);
      }
    }
  }
  std::string known;
  for (const std::string& edge : edges) known += (known.empty() ? "" : ", ") + edge;
  std::vector<std::string> mistakes;
  for (const std::string& text : settings.net) {
    try {
      const router::NetRule rule = router::NetRule::parse(text);
      if (rule.from.empty() || edges.contains(rule.from + "->" + rule.to)) continue;
      mistakes.push_back("--net " + text + " is for an edge that there is not; there are " + known);
    } catch (const std::invalid_argument& error) {
      mistakes.push_back("--net: " + std::string(error.what()));
    }
  }
  return mistakes;
}

}  // namespace cleave::cli
