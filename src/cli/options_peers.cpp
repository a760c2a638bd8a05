// What can be wrong with the modules that run elsewhere; told before anything starts.
#include <algorithm>

#include "cli/options.hpp"
#include "http/chars.hpp"
#include "http/remote_address.hpp"

namespace cleave::cli {
namespace {

bool has(const std::vector<loader::Library>& libraries, const std::string& name) {
  return std::any_of(libraries.begin(), libraries.end(),
                     [&](const loader::Library& one) { return one.name() == name; });
}

/// Visible characters only: it travels in a header.
bool usable(const std::string& token) {
  return std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

std::vector<std::string> Options::peer_mistakes() const {
  std::vector<std::string> mistakes;
  bool used = false;
  for (const auto& [name, url] : settings.peer_url) {
    if (url.empty()) continue;
    const std::string key = environment_name(name + "-url");
    if (has(loaded.libraries, name)) {
      mistakes.push_back(key + " is given, but " + name + " runs here; remove it, or leave " +
                         name + " out of CLEAVE_MODULES");
      continue;
    }
    used = true;
    try {
      http::RemoteAddress::parse(url);
    } catch (const std::invalid_argument& error) {
      mistakes.push_back(key + ": " + error.what());
    }
  }
  for (const loader::Library& library : loaded.libraries) {
    for (const std::string& name : library.depends_on()) {
      const auto url = settings.peer_url.find(name);
      if (url == settings.peer_url.end() || !url->second.empty()) continue;
      if (!has(loaded.elsewhere, name)) continue;
      mistakes.push_back(std::string(library.name()) + " depends on " + name +
                         ", which does not run here and has no URL; give " +
                         environment_name(name + "-url") +
                         " (http://HOST:PORT or unix:PATH), or run " + name + " here too");
    }
  }
  if (used && settings.service_token.empty()) {
    mistakes.emplace_back(
        "a module has a URL, but there is no service token, so the other host would refuse every "
        "call; give both the same CLEAVE_SERVICE_TOKEN[_FILE]");
  }
  if (!usable(settings.service_token)) {
    mistakes.emplace_back(
        "the service token has a space or a character that no header can carry; use printable "
        "ASCII, for example from `openssl rand -hex 32`");
  }
  return mistakes;
}

}  // namespace cleave::cli
