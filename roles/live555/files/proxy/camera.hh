// The side towards the camera: one connection to it, and what became of that connection.
#pragma once

#include "config.hh"
#include "service.hh"
#include "viewers.hh"

#include <ProxyServerMediaSession.hh>

#include <list>
#include <string>
#include <vector>

// Why there is no stream; decides how soon to try again.
enum class Trouble {
  none,
  away,       // no connection, or it ended
  unfit,      // the camera answers, but not with a stream we can pass on
  forbidden,  // the camera does not accept the credentials
};

// LIVE555's own client and session keep quiet about failures and repair themselves with growing pauses (up to 8.5
// minutes), and without any time-out on answers. These subclasses only watch and tell; CameraLink decides.
class CameraClient : public ProxyRTSPClient {
 public:
  using ProxyRTSPClient::ProxyRTSPClient;

  bool isConnected() const;  // the TCP connection to the camera stands
  bool isDescribed() const { return described_; }
  bool wasToldToPlay() const { return toldToPlay_; }  // PLAY was the last word, not PAUSE
  Trouble trouble() const { return trouble_; }
  std::string const& reason() const { return reason_; }
  Clock::time_point lastAnswer() const { return lastAnswer_; }

  // Asks the camera for a sign of life (OPTIONS); its answer moves lastAnswer().
  void probe();

 protected:
  unsigned sendRequest(RequestRecord* request) override;

 private:
  enum Command { describe, setup, play, options, other };
  static Command commandOf(char const* name);
  template <Command command>
  static void intercept(RTSPClient* client, int result, char* text);
  static void probed(RTSPClient* client, int result, char* text);
  bool accepts(Command command, int result);
  void fail(Trouble trouble, std::string const& reason);

  bool described_ = false;
  bool toldToPlay_ = false;
  Trouble trouble_ = Trouble::none;
  std::string reason_;
  Clock::time_point lastAnswer_ = Clock::now();
  responseHandler* libraryHandler_[other] = {};
};

// One life of the camera's stream, from DESCRIBE to the loss of the connection.
class CameraSession : public ProxyServerMediaSession {
 public:
  CameraSession(UsageEnvironment& env, ViewerServer& server, std::string const& id, CameraConfig const& config);
  ~CameraSession() override {
    stopDraining();
    deleteAllSubsessions();
  }
  CameraSession(CameraSession const&) = delete;
  CameraSession& operator=(CameraSession const&) = delete;

  CameraClient& client() { return static_cast<CameraClient&>(*fProxyRTSPClient); }

  // Call once after DESCRIBE: false when no track can be passed on.
  bool prepare();

  // RTP packets received so far, all tracks together.
  unsigned long packetsReceived() const;

  std::string trackNames() const;  // "H264, MPEG4-GENERIC"

  // With RTP inside the RTSP connection, the library loses its place in it when media comes for a track that nobody
  // reads any more, as it does until the camera has obeyed PAUSE: it takes the media for answers. So somebody must
  // read. drain() reads and forgets what comes for tracks that no viewer reads; stopDraining() before one does.
  void drain(ViewerServer const& server);
  void stopDraining();

 protected:
  Groupsock* createGroupsock(sockaddr_storage const& address, Port port) override;

 private:
  struct Drain {
    RTPSource& source;
    std::vector<unsigned char>& buffer;
    bool isOpen = false;
    void next();
    static void got(void* self, unsigned, unsigned, timeval, unsigned);
    static void closed(void* self);
  };

  bool overTcp_;
  std::vector<unsigned char> waste_;
  std::list<Drain> drains_;  // one per track, from the first time it was drained
};

// Binds sockets that the library makes meanwhile to 127.0.0.1.
class LoopbackScope {
 public:
  LoopbackScope();
  ~LoopbackScope();
  LoopbackScope(LoopbackScope const&) = delete;
  LoopbackScope& operator=(LoopbackScope const&) = delete;
};
