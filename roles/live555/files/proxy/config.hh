// What one instance is told: the camera's address, credentials, transport and our own port.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

struct CameraConfig {
  std::string url;       // rtsp://host[:port]/path, without credentials
  std::string username;  // empty: the camera asks for none
  std::string password;
  bool overTcp = true;   // RTP inside the RTSP connection to the camera, else UDP
  std::uint16_t port = 0;  // ours, on 127.0.0.1
};

// Says what is wrong and how to mend it; never quotes a value, for it may be a secret.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws ConfigError unless id is 1 to 32 of a-z, 0-9 and inner hyphens.
void checkCameraId(std::string const& id);

// Reads "key=value" lines; '#' starts a comment line. Throws ConfigError.
CameraConfig readConfig(std::string const& path);
