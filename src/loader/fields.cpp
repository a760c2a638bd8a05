#include "loader/fields.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <string_view>

namespace cleave::loader {
namespace {

constexpr std::size_t kLongestText = 256;  // nothing sane is longer; keeps a missing NUL harmless
constexpr std::size_t kMostNames = 32;
constexpr std::size_t kSmallest = offsetof(cleave_module, background);
constexpr std::uint32_t kLeastBackground = 10, kMostBackground = 3'600'000;  // ms

constexpr const char* kRebuild = "rebuild the module against this host's include/cleave";

bool lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 31 && lower(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return lower(c) || digit(c) || c == '_'; });
}

bool is_path(std::string_view text) {
  return text.size() >= 2 && text.size() <= 64 && text[0] == '/' &&
         std::all_of(text.begin() + 1, text.end(),
                     [](char c) { return lower(c) || digit(c) || c == '-' || c == '_'; });
}

bool is_version(std::string_view text) {
  return !text.empty() && text.size() <= 31 && digit(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return lower(c) || digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
                  c == '+';
         });
}

/// Shows a module's text to people: quoted, cut, and free of control characters.
std::string show(const char* text) {
  if (text == nullptr) return "NULL";
  std::string shown = "\"";
  for (std::size_t i = 0; text[i] != '\0'; ++i) {
    if (i == 40) return shown + "…\"";
    const auto c = static_cast<unsigned char>(text[i]);
    shown += c < 0x20 || c >= 0x7f ? '?' : text[i];
  }
  return shown + "\"";
}

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

class Checker {
 public:
  explicit Checker(const std::string& subject) : subject_(subject) {}

  void refuse(std::string field, std::string expected, std::string found, std::string remedy) {
    refusals_.push_back(
        {subject_, std::move(field), std::move(expected), std::move(found), std::move(remedy)});
  }

  bool header(const cleave_module& module) {
    if (module.magic != CLEAVE_MAGIC) {
      refuse("magic", hex(CLEAVE_MAGIC), hex(module.magic),
             "is this a Cleave module? export it with CLEAVE_MODULE");
    } else if (module.abi < CLEAVE_ABI) {
      refuse("abi", std::to_string(CLEAVE_ABI), std::to_string(module.abi) + ", which is older",
             kRebuild);
    } else if (module.abi > CLEAVE_ABI) {
      refuse("abi", std::to_string(CLEAVE_ABI), std::to_string(module.abi) + ", which is newer",
             std::string("update the host, or ") + kRebuild);
    } else if (module.size < kSmallest) {
      refuse("size", "at least " + std::to_string(kSmallest), std::to_string(module.size),
             kRebuild);
    } else if (module.flags != 0) {
      refuse("flags", "0", hex(module.flags), "update the host: it knows no flags yet");
    }
    return refusals_.empty();
  }

  void text(const char* field, const char* text, bool (*good)(std::string_view),
            const char* expected) {
    const bool fine = text != nullptr && good({text, strnlen(text, kLongestText)});
    if (!fine) refuse(field, expected, show(text), std::string("change the module's ") + field);
  }

  void names(const char* field, const char* const* names) {
    if (names == nullptr) {
      refuse(field, "a list that ends in NULL", "NULL",
             "point it to a list whose first entry is NULL");
      return;
    }
    std::vector<std::string_view> seen;
    for (std::size_t i = 0; names[i] != nullptr; ++i) {
      if (i == kMostNames) {
        refuse(field, "at most " + std::to_string(kMostNames) + " names, then NULL",
               "no NULL among them", "end the list with NULL");
        return;
      }
      const std::string_view name(names[i], strnlen(names[i], kLongestText));
      if (!is_name(name)) {
        refuse(field, "names of the form [a-z][a-z0-9_]{0,30}", show(names[i]), "rename it");
      } else if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
        refuse(field, "each name once", show(names[i]) + " twice", "remove one of the two");
      }
      seen.push_back(name);
    }
  }

  void function(const char* field, bool present) {
    if (!present) refuse(field, "a function", "NULL", "set all six functions; CLEAVE_MODULE does");
  }

  void background(std::uint32_t every_ms) {
    if (every_ms >= kLeastBackground && every_ms <= kMostBackground) return;
    refuse("background_ms",
           std::to_string(kLeastBackground) + " to " + std::to_string(kMostBackground),
           std::to_string(every_ms), "set kBackgroundMs, in milliseconds");
  }

  std::vector<Refusal> take() { return std::move(refusals_); }

 private:
  std::string subject_;
  std::vector<Refusal> refusals_;
};

/// Paths that the host answers itself: health, calls between hosts, and what its other listener
/// has.
bool reserved(std::string_view path) {
  static constexpr std::string_view kOurs[] = {"/livez", "/readyz", "/internal", "/metrics",
                                               "/placement"};
  return std::find(std::begin(kOurs), std::end(kOurs), path) != std::end(kOurs);
}

/// Names whose settings or databases would be the host's own: CLEAVE_REDIS_URL, the database
/// postgres.
bool taken(std::string_view name) {
  static constexpr std::string_view kOurs[] = {"redis", "postgres", "template0", "template1"};
  return std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs);
}

}  // namespace

std::vector<Refusal> check_fields(const std::string& subject, const cleave_module* module) {
  Checker checker(subject);
  if (module == nullptr) {
    checker.refuse("cleave_module_v1", "a pointer to a cleave_module", "NULL",
                   "return the address of a static struct");
    return checker.take();
  }
  if (!checker.header(*module)) return checker.take();
  checker.text("name", module->name, is_name, "[a-z][a-z0-9_]{0,30}");
  if (module->name != nullptr && taken(module->name)) {
    checker.refuse("name", "a name of the module's own", show(module->name),
                   "rename it: the host's own settings or databases have this name");
  }
  checker.text("version", module->version, is_version, "a version such as \"1.2.0\"");
  if (module->path != nullptr) {
    checker.text("path", module->path, is_path,
                 "\"/\" and lower case letters, digits, '-', '_', or NULL");
    if (reserved(module->path)) {
      checker.refuse("path", "a path of the module's own", show(module->path),
                     "choose another: the host answers this one itself");
    }
  }
  checker.names("depends_on", module->depends_on);
  checker.names("config_keys", module->config_keys);
  checker.function("create", module->create != nullptr);
  checker.function("start", module->start != nullptr);
  checker.function("ready", module->ready != nullptr);
  checker.function("handle", module->handle != nullptr);
  checker.function("stop", module->stop != nullptr);
  checker.function("destroy", module->destroy != nullptr);
  if (has_background(*module)) checker.background(module->background_ms);
  return checker.take();
}

}  // namespace cleave::loader
