#include "viewers.hh"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

namespace {

// The library's own function binds to every interface and, without SO_REUSEADDR, fails for a minute after a
// restart that had viewers (their old connections linger in TIME_WAIT on our port).
int listenOnLoopback(std::uint16_t port) {
  int const fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  int const on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) != 0 ||
      bind(fd, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0 || listen(fd, 20) != 0) {
    int const error = errno;
    close(fd);
    throw std::system_error(error, std::generic_category(), "bind");
  }
  return fd;
}

// True when the request's Transport header asks for RTP inside the RTSP connection.
bool asksForTcp(char const* request) {
  for (char const* line = request; line != nullptr; line = std::strchr(line, '\n')) {
    if (*line == '\n') ++line;
    if (strncasecmp(line, "Transport:", 10) != 0) continue;
    std::string_view const value(line, std::strcspn(line, "\r\n"));
    return value.find("RTP/AVP/TCP") != std::string_view::npos;
  }
  return false;
}

}  // namespace

class ViewerServer::Connection : public RTSPClientConnection {
 public:
  Connection(ViewerServer& server, int socket, sockaddr_storage const& address)
      : RTSPClientConnection(server, socket, address), server_(server) {
    server_.connections_.insert(this);
  }
  ~Connection() override { server_.connections_.erase(this); }

  // The event loop then takes the same way as when the viewer itself hangs up.
  void hangUp() { shutdown(fClientInputSocket, SHUT_RDWR); }

 protected:
  // RTSP over HTTP is not served: it is unused here, and has held the library's worst faults.
  void handleHTTPCmd_OPTIONS() override { handleHTTPCmd_notSupported(); }
  void handleHTTPCmd_TunnelingGET(char const*) override { handleHTTPCmd_notSupported(); }
  Boolean handleHTTPCmd_TunnelingPOST(char const*, unsigned char const*, unsigned) override {
    handleHTTPCmd_notSupported();
    return False;
  }

 private:
  ViewerServer& server_;
};

class ViewerServer::Session : public RTSPClientSession {
 public:
  Session(ViewerServer& server, u_int32_t id) : RTSPClientSession(server, id), server_(server) {}
  ~Session() override {
    server_.playing_.erase(this);
    server_.afterReading_();
  }

  bool has(unsigned track) const {
    return track < fNumStreamStates && fStreamStates[track].subsession != nullptr &&
           fStreamStates[track].streamToken != nullptr;
  }

 protected:
  void handleCmd_SETUP(RTSPClientConnection* connection, char const* urlPreSuffix, char const* urlSuffix,
                       char const* request) override {
    if (!asksForTcp(request)) {
      setRTSPResponse(connection, "461 Unsupported Transport");
      return;
    }
    RTSPClientSession::handleCmd_SETUP(connection, urlPreSuffix, urlSuffix, request);
  }
  void handleCmd_PLAY(RTSPClientConnection* connection, ServerMediaSubsession* subsession,
                      char const* request) override {
    server_.playing_.insert(this);
    server_.beforeReading_();
    RTSPClientSession::handleCmd_PLAY(connection, subsession, request);
  }
  void handleCmd_withinSession(RTSPClientConnection* connection, char const* command, char const* urlPreSuffix,
                               char const* urlSuffix, char const* request) override {
    server_.afterReading_();  // before: TEARDOWN may delete this object
    RTSPClientSession::handleCmd_withinSession(connection, command, urlPreSuffix, urlSuffix, request);
  }

 private:
  ViewerServer& server_;
};

ViewerServer::ViewerServer(UsageEnvironment& env, std::uint16_t port)
    : RTSPServer(env, listenOnLoopback(port), -1, Port(port), nullptr, 65) {}

bool ViewerServer::isRead(unsigned track) const {
  return std::any_of(playing_.begin(), playing_.end(), [track](Session const* viewer) { return viewer->has(track); });
}

void ViewerServer::onReading(std::function<void()> before, std::function<void()> after) {
  beforeReading_ = std::move(before);
  afterReading_ = std::move(after);
}

void ViewerServer::hangUp() {
  for (Connection* connection : connections_) connection->hangUp();
}

GenericMediaServer::ClientConnection* ViewerServer::createNewClientConnection(int socket,
                                                                               sockaddr_storage const& address) {
  return new Connection(*this, socket, address);
}

GenericMediaServer::ClientSession* ViewerServer::createNewClientSession(u_int32_t id) {
  return new Session(*this, id);
}
