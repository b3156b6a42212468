#include "config.hh"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <set>

namespace {

constexpr std::size_t longestUrl = 1000;    // the library builds requests around it
constexpr std::size_t longestSecret = 200;

bool isControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::uint16_t parsePort(std::string const& text, std::string const& where) {
  unsigned value = 0;
  char const* const end = text.data() + text.size();
  auto const [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < 1024 || value > 65535) {
    throw ConfigError(where + "port must be a whole number from 1024 to 65535");
  }
  return static_cast<std::uint16_t>(value);
}

void checkUrl(std::string const& url, std::string const& where) {
  std::string const scheme = "rtsp://";
  if (url.compare(0, scheme.size(), scheme) != 0) {
    throw ConfigError(where + "url must start with rtsp://");
  }
  std::string const authority = url.substr(scheme.size(), url.find('/', scheme.size()) - scheme.size());
  if (authority.find('@') != std::string::npos) {
    throw ConfigError(where + "url must not hold credentials; give them as username and password");
  }
  if (authority.empty() || authority[0] == ':') throw ConfigError(where + "url names no host");
  if (url.size() > longestUrl) throw ConfigError(where + "url is longer than 1000 characters");
  if (url.find(' ') != std::string::npos) throw ConfigError(where + "url holds a blank; write %20 instead");
}

void assign(CameraConfig& config, std::string const& key, std::string const& value, std::string const& where) {
  if (key == "url") {
    checkUrl(value, where);
    config.url = value;
  } else if (key == "username" || key == "password") {
    if (value.size() > longestSecret) throw ConfigError(where + key + " is longer than 200 characters");
    (key == "username" ? config.username : config.password) = value;
  } else if (key == "transport") {
    if (value != "tcp" && value != "udp") throw ConfigError(where + "transport must be tcp or udp");
    config.overTcp = value == "tcp";
  } else if (key == "port") {
    config.port = parsePort(value, where);
  } else {
    throw ConfigError(where + "unknown key; known are url, username, password, transport and port");
  }
}

}  // namespace

void checkCameraId(std::string const& id) {
  bool const plain = std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (id.empty() || id.size() > 32 || !plain || id.front() == '-' || id.back() == '-') {
    throw ConfigError("the camera id must be 1 to 32 of a-z, 0-9 and inner hyphens");
  }
}

CameraConfig readConfig(std::string const& path) {
  std::ifstream file(path);
  if (!file) throw ConfigError("cannot read the configuration " + path + ": " + std::strerror(errno));
  CameraConfig config;
  std::set<std::string> seen;
  std::string line;
  for (unsigned number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    std::string const where = "configuration line " + std::to_string(number) + ": ";
    if (std::any_of(line.begin(), line.end(), isControl)) throw ConfigError(where + "holds a control character");
    std::size_t const equals = line.find('=');
    if (equals == std::string::npos) throw ConfigError(where + "is not key=value");
    std::string const key = line.substr(0, equals);
    assign(config, key, line.substr(equals + 1), where);
    if (!seen.insert(key).second) throw ConfigError(where + key + " is given twice");
  }
  if (file.bad()) throw ConfigError("cannot read the configuration " + path);
  if (config.url.empty()) throw ConfigError("the configuration has no url");
  if (config.port == 0) throw ConfigError("the configuration has no port");
  if (config.username.empty() != config.password.empty()) {
    throw ConfigError("username and password must be given together");
  }
  return config;
}
